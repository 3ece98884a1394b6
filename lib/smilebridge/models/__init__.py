"""Laws of motion with known answers; they price and simulate, forward-normalised."""

from .contour import Contour as Contour
from .contour import otm_prices as otm_prices
from .mixing import Estimate as Estimate
from .mixing import Mixture as Mixture
from .mixing import call_prices as call_prices
from .mixing import mixture as mixture
from .path_integral import LEVELS as LEVELS
from .path_integral import Transform as Transform
from .path_integral import conditional_transform as conditional_transform
from .path_integral import extrapolated as extrapolated
from .path_integral import factor_grid as factor_grid
from .path_integral import joint_transform as joint_transform
from .quintic_ou import PARAMETERS as PARAMETERS
from .quintic_ou import TAU as TAU
from .quintic_ou import ForwardVariance as ForwardVariance
from .quintic_ou import QuinticOU as QuinticOU
from .quintic_ou import VixLaw as VixLaw
from .quintic_ou import vix_polynomial as vix_polynomial
