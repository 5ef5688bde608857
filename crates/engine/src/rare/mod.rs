//! The chance of a breach that paths hardly ever meet, by adaptive multilevel splitting.
//!
//! A number of particles walk the plan's own paths. Those that came least close to a breach are killed, and in the
//! place of each another particle's path is copied up to the moment at which it came closer than the killed ones ever did;
//! from there it draws anew. So the living come closer generation by generation, and the share of them that each
//! generation keeps, multiplied up, times the share that broke at last, is the chance of a breach. Splitting is of Kahn and
//! Harris, "Estimation of particle transmission by random sampling" (1951); levels by the particles themselves of Cérou and
//! Guyader, "Adaptive multilevel splitting for rare event analysis" (Stochastic Analysis and Applications 2007); and what is
//! done here with ties, so that the mean of the estimate is the chance itself whatever the number of particles and
//! however closeness is measured, of Bréhier, Gazeau, Goudenège, Lelièvre and Rousset, "Unbiasedness of some generalized
//! adaptive multilevel splitting algorithms" (Annals of Applied Probability 2016).
//!
//! [`closeness`] says how close an account is; [`particle`] walks; [`splitting`] kills and copies. A repetition is a
//! function of the plan and its index alone, walked one by one, so it has the same bits everywhere; the spread of
//! independent repetitions tells the error.

mod closeness;
mod particle;
mod splitting;

#[cfg(test)]
mod tests;

pub(crate) use splitting::{PARTICLES, run_repetitions};
