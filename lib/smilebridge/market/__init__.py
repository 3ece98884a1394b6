"""Quotes, readers, Black-76, the VIX index, synthetic days: the only stage that knows index points, dates and dollars."""

from .black import black_call as black_call
from .black import black_otm as black_otm
from .black import black_put as black_put
from .black import black_vega as black_vega
from .black import implied_stdev as implied_stdev
from .chain import load as load
from .clean import RULES as RULES
from .clean import ledger_counts as ledger_counts
from .plain import to_csv as to_csv
from .quotes import Quote as Quote
from .quotes import QuoteError as QuoteError
from .quotes import Rejection as Rejection
from .quotes import Smile as Smile
from .quotes import Snapshot as Snapshot
from .synthetic import SYNTHETIC as SYNTHETIC
from .synthetic import synthetic as synthetic
from .triples import Triple as Triple
from .triples import select as select
from .triples import triples as triples
from .truth import Statistics as Statistics
from .truth import Truth as Truth
from .truth import truth as truth
from .vix_index import Strip as Strip
from .vix_index import VixIndex as VixIndex
from .vix_index import strip as strip
from .vix_index import vix_index as vix_index
