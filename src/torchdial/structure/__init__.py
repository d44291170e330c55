"""The modules of a model and what each does on an example; imports torch alone."""

from torchdial.structure.forward_pass import ForwardFailure, ForwardPass, ModuleUse, watch_forward
from torchdial.structure.module_rows import ModuleRow, module_rows
from torchdial.structure.module_table import Fold, ModuleTable, module_table

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
