//! Which instructions walk the paths: chosen when the program runs, so that one binary is fast on every machine.

/// How paths are walked. Every kind gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// One path after the other: the reference.
    Scalar,
    /// Paths side by side, in the instructions that the program was compiled for.
    Lanes,
    /// Paths side by side in 256-bit vectors.
    Avx2,
    /// Paths side by side in 512-bit vectors, with permutations of bytes: Ice Lake, Zen 4 and later.
    Avx512,
}

impl Instructions {
    /// All kinds, the reference first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Lanes, Self::Avx2, Self::Avx512];

    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|kind| kind.are_there()).unwrap_or(Self::Scalar)
    }

    /// Whether this machine has them.
    pub fn are_there(self) -> bool {
        match self {
            Self::Scalar | Self::Lanes => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// Runs `work`, compiled for these instructions.
    #[inline(always)]
    pub(crate) fn run(self, work: impl Work) {
        match self {
            // SAFETY: `run_shard_by` asked `are_there`.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2(work) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { avx512(work) },
            _ => work.run(Common),
        }
    }
}

/// Work that is compiled once for each kind of instructions: `run` and all that it calls must be `#[inline(always)]`,
/// for only what is inlined into a function is compiled for that function's instructions.
pub(crate) trait Work {
    /// Does it.
    fn run(self, kind: impl Kind);
}

/// What instructions a piece of work is compiled for, where it matters to more than the compiler.
pub(crate) trait Kind: Copy {
    /// Whether AVX-512's permutations of bytes are among them.
    fn permutes(self) -> bool;
}

#[derive(Clone, Copy)]
struct Common;

impl Kind for Common {
    #[inline(always)]
    fn permutes(self) -> bool {
        false
    }
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Wide;

#[cfg(target_arch = "x86_64")]
impl Kind for Wide {
    #[inline(always)]
    fn permutes(self) -> bool {
        true
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(work: impl Work) {
    work.run(Common);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
fn avx512(work: impl Work) {
    work.run(Wide);
}
