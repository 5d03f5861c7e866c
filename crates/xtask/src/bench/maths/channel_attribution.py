"""Markov attribution of the paths of a file, once for every line that is read."""

import sys
import time

import pandas
from ChannelAttribution import markov_model

paths = pandas.read_csv(sys.argv[1])
names = dict(var_value="total_conversion_value", var_null="total_null")
for _ in sys.stdin:
    begun = time.perf_counter()
    told = markov_model(
        paths, "path", "total_conversions", order=1, ncore=1, verbose=False, flg_pro=False, **names
    )
    seconds = time.perf_counter() - begun
    alpha = told.loc[told["channel_name"] == "alpha", "total_conversions"]
    print("answer", seconds, float(alpha.iloc[0]), flush=True)
