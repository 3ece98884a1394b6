"""What a sample of paths tells of any calibrated model: means with their errors, the martingale, the promise of the VIX."""

import numpy as np

GROUPS = 10  # of equally many paths, by V


class OnPaths:
    """Of a record with `martingale` (2, 2) and `dispersion` (2,), means and standard errors."""

    __slots__ = ()

    @property
    def martingale_z(self):
        """The larger of both means, in standard errors."""
        return float(np.abs(self.martingale[:, 0] / self.martingale[:, 1]).max())

    @property
    def dispersion_z(self):
        """The mean, in standard errors."""
        return float(self.dispersion[0] / self.dispersion[1])


def mean_and_error(sample):
    """Mean and its standard error, along the first axis."""
    return sample.mean(axis=0), sample.std(axis=0, ddof=1) / np.sqrt(len(sample))


def promised(V, gap):
    """(2,) mean and standard error of gap / E[V^2], and (GROUPS, 3) mean V, mean and standard error within groups of V; V, gap (path,)."""
    squared = (V**2).mean()
    groups = [[V[i].mean(), *(float(z) / squared for z in mean_and_error(gap[i]))] for i in np.array_split(np.argsort(V), GROUPS)]
    return np.array(mean_and_error(gap)) / squared, np.array(groups)
