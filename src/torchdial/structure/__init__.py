"""What a model is made of, and what every module does on an example; torch alone."""

from torchdial.structure.forward import ForwardFailure, ForwardPass, ModuleUse, watch_forward
from torchdial.structure.table import Fold, ModuleTable, module_table
from torchdial.structure.tree import ModuleRow, module_rows

__all__ = [
    "Fold",
    "ForwardFailure",
    "ForwardPass",
    "ModuleRow",
    "ModuleTable",
    "ModuleUse",
    "module_rows",
    "module_table",
    "watch_forward",
]
