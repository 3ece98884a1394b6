"""The library behind "Two Smiles, One Law": joint calibration of S&P 500 and VIX smiles.

Import its stages, each of which uses only those before it: models, market, marginals, arbitrage, figures.
"""
