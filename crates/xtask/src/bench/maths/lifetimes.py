"""Fits BG/NBD to the customers of a file, once for every line that is read."""

import sys
import time

import numpy
from lifetimes import BetaGeoFitter

rows = numpy.loadtxt(sys.argv[1], delimiter=",")
for _ in sys.stdin:
    begun = time.perf_counter()
    model = BetaGeoFitter()
    model.fit(rows[:, 0], rows[:, 1], rows[:, 2])
    seconds = time.perf_counter() - begun
    print("answer", seconds, model.params_["r"], flush=True)
