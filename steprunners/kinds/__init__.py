"""One file a step type; only `steprunners.registry` imports them."""
