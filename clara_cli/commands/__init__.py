"""One module per verb: parse, call one core function, render what it returns."""
