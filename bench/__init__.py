"""What a batch costs: the ways to run many notebooks, side by side on the same notebook and tickets."""
