"""The Schrödinger problem on (S1, V, S2): the law nearest to a reference that meets every quote, and what it says."""

from .archive import ArchiveError as ArchiveError
from .archive import Header as Header
from .archive import load as load
from .archive import opened as opened
from .archive import save as save
from .law import Law as Law
from .newton import newton as newton
from .reference import Reference as Reference
from .risks import Risks as Risks
from .risks import risks as risks
from .schrodinger import Schrodinger as Schrodinger
from .sinkhorn import newton_sinkhorn as newton_sinkhorn
from .sinkhorn import sinkhorn as sinkhorn
from .solution import Defects as Defects
from .solution import NotConvergedError as NotConvergedError
from .solution import Solution as Solution
from .solution import Status as Status
