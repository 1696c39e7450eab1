"""mlx_lm's server as it is. The arguments are its own."""

from mlx_lm.server import main

main()
