"""Semimartingale optimal transport: the diffusion nearest to a reference that meets SPX and VIX quotes at once."""

from .calibrated import FULL as FULL
from .calibrated import QUICK as QUICK
from .calibrated import Calibrated as Calibrated
from .calibrated import Level as Level
from .calibrated import calibrate as calibrate
from .diffusion import Diffusion as Diffusion
from .experiment import PUBLISHED as PUBLISHED
from .experiment import Simulated as Simulated
from .grid import Dates as Dates
from .grid import Domain as Domain
from .grid import Grid as Grid
from .grid import Pace as Pace
from .heston import Heston as Heston
from .projection import nearest as nearest
from .reference import ConstantReference as ConstantReference
from .reference import HestonReference as HestonReference
from .reference import SmoothedReference as SmoothedReference
from .reference import sampled as sampled
from .transport import WEIGHT as WEIGHT
from .transport import Transport as Transport
from .verified import Verified as Verified
from .verified import verify as verify
