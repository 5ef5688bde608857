//! The client of Ray Serve and the real application under a real `serve run`: traders' jobs have the bits on Ray that they
//! have here, whatever breaks meanwhile. `./test ray` says where Ray is; what is broken on purpose is a Ray of its own.

mod bits;
mod deaths;
mod jobs;
mod own_ray;
mod passage;
mod pressure;
mod processes;
mod replies;
mod silence;
