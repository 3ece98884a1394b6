"""Style sheet, drawings, and the numbers quoted in prose. Drawing only: nothing here computes a result."""

from .laws import densities as densities
from .laws import fitted_smiles as fitted_smiles
from .laws import grid_convergence as grid_convergence
from .laws import moved as moved
from .laws import room as room
from .orders import calendar_payoff as calendar_payoff
from .orders import call_gap as call_gap
from .orders import chord as chord
from .orders import joint_masses as joint_masses
from .orders import vol_ruler as vol_ruler
from .quotes import mismatch as mismatch
from .quotes import quoted_smile as quoted_smile
from .quotes import strip_by_strike as strip_by_strike
from .quotes import three_roads as three_roads
from .say import say as say
from .style import INK as INK
from .style import use_style as use_style
from .table import Table as Table
from .triple import triple as triple
from .turntable import Turntable as Turntable
from .window import window as window
