"""Style sheet, drawings, and the numbers quoted in prose. Drawing only: nothing here computes a result."""

from .quotes import mismatch as mismatch
from .quotes import quoted_smile as quoted_smile
from .quotes import strip_by_strike as strip_by_strike
from .quotes import three_roads as three_roads
from .say import say as say
from .style import INK as INK
from .style import use_style as use_style
from .table import Table as Table
from .turntable import Turntable as Turntable
