"""Monte Carlo Service's simulations on Ray Serve: `serve run monte_carlo_serve.app:app`."""
