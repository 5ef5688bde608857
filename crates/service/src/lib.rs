//! Monte Carlo Service.
