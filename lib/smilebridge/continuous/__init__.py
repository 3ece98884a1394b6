"""Continuous time: the VIX-constrained martingale Schroedinger bridge, its dual and its simulation."""

from .bridge import Bridge as Bridge
from .bridge import Quotes as Quotes
from .bridge import loss_and_errors as loss_and_errors
from .bridge import multipliers as multipliers
from .calibrated import FULL as FULL
from .calibrated import MEDIUM as MEDIUM
from .calibrated import QUICK as QUICK
from .calibrated import Calibrated as Calibrated
from .calibrated import Level as Level
from .calibrated import calibrate as calibrate
from .climb import Climbed as Climbed
from .climb import climb as climb
from .climb import curvature as curvature
from .flow import Flow as Flow
from .foellmer import Foellmer as Foellmer
from .foellmer import heat_flow as heat_flow
from .grid import Grid as Grid
from .meeting import Meeting as Meeting
from .paths import AddedDrift as AddedDrift
from .paths import FirstPaths as FirstPaths
from .paths import added_drift as added_drift
from .paths import first_paths as first_paths
from .simulate import Drift as Drift
from .simulate import Hedged as Hedged
from .simulate import Simulated as Simulated
from .simulate import simulate as simulate
