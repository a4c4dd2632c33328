"""One file for each step type; only `steprunners.registry` imports them."""
