"""Style sheet, drawings, and the numbers quoted in prose. Drawing only: nothing here computes a result."""

from .say import say as say
from .style import INK as INK
from .style import use_style as use_style
from .table import Table as Table
from .turntable import Turntable as Turntable
