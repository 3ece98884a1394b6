"""Three laws from quotes: smooth, inside the bid-ask, on one variance identity; and their quadrature grids."""

from . import shipped as shipped
from .grid import Marginal as Marginal
from .grid import grid as grid
from .laws import Identity as Identity
from .laws import InconsistentError as InconsistentError
from .laws import Laws as Laws
from .laws import SmileFit as SmileFit
from .laws import from_quotes as from_quotes
from .laws import from_triple as from_triple
from .laws import smile_fit as smile_fit
from .laws import variance_gap as variance_gap
from .mixture import Mixture as Mixture
from .room import Room as Room
from .room import room as room
from .smooth import fit_smile as fit_smile
from .smooth import misses as misses
