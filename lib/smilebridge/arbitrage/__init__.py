"""Is there a law? Convex order, conditions that any joint law must meet, and linear programmes: a law, or the portfolio against it."""

from .atomic import AtomicLaw as AtomicLaw
from .atomic import Defects as Defects
from .bounds import Bounds as Bounds
from .bounds import Side as Side
from .bounds import bounds as bounds
from .bounds import bounds_of as bounds_of
from .convex_order import CalendarSpread as CalendarSpread
from .convex_order import ConvexOrder as ConvexOrder
from .convex_order import call_gap as call_gap
from .convex_order import convex_order as convex_order
from .coupling import Coupling as Coupling
from .coupling import coupling as coupling
from .existence import Existence as Existence
from .existence import existence as existence
from .lattice import lattice as lattice
from .necessary import Necessary as Necessary
from .necessary import necessary as necessary
from .payoffs import PAYOFFS as PAYOFFS
from .portfolio import Portfolio as Portfolio
from .problem import Axis as Axis
from .problem import JointProblem as JointProblem
from .quoted import Leg as Leg
from .quoted import QuotedSpread as QuotedSpread
from .quoted import quoted as quoted
