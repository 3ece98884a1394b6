"""Is there a law? One-dimensional convex order and the conditions that any joint law must meet."""

from .convex_order import CalendarSpread as CalendarSpread
from .convex_order import ConvexOrder as ConvexOrder
from .convex_order import call_gap as call_gap
from .convex_order import convex_order as convex_order
from .necessary import Necessary as Necessary
from .necessary import necessary as necessary
from .quoted import Leg as Leg
from .quoted import QuotedSpread as QuotedSpread
from .quoted import quoted as quoted
