from .interactive.curve_figures import (
    precision_recall_figure as precision_recall_figure,
    threshold_curve_figure as threshold_curve_figure,
)
from .interactive.histogram_figure import histogram_figure as histogram_figure
from .interactive.live_figures import gradient_figure as gradient_figure, loss_figure as loss_figure
from .interactive.operating_map_figure import operating_map_figure as operating_map_figure
