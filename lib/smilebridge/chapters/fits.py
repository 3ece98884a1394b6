"""`python -m smilebridge.chapters.fits`: renew the shipped fits of real days where their raw quotes lie beside the project."""

import jax

from ..marginals.renew import renew
from ..market import EMBEDDED

if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    for day in EMBEDDED:
        print(f"{day}: {'refitted' if renew(day) else 'raw quotes absent, tables kept'}")
