//! What the integer kernels need beside portable vector operations.

use fearless_simd::{Bytes, Simd, i16x32, i32x16, u8x64};

use super::tables::Line;

/// Vectors of integers.
pub trait Integers: Simd {
    /// The number of outputs whose sums for 16 samples are in registers together.
    const TILE: usize;

    /// `sums + even products + odd products`: adds to each sum the products of a pair of numbers.
    #[inline(always)]
    fn add_pair_products(
        self,
        sums: i32x16<Self>,
        a: i16x32<Self>,
        b: i16x32<Self>,
    ) -> i32x16<Self> {
        self.add_i32x16(sums, self.pairwise_dot_product_i16x32(a, b))
    }

    /// `(a · b) >> 16` of each pair of numbers.
    #[inline(always)]
    fn high_product(self, a: i16x32<Self>, b: i16x32<Self>) -> i16x32<Self> {
        let (low, high) = self.widening_mul_i16x32(a, b);
        self.saturating_narrow_i32x16(self.shr_i32x16(low, 16), self.shr_i32x16(high, 16))
    }

    /// Limits two numbers of each sample to 16 bits and puts them side by side.
    #[inline(always)]
    fn paired(self, even: i32x16<Self>, odd: i32x16<Self>) -> i16x32<Self> {
        let (even, odd) = self.split_i16x32(self.saturating_narrow_i32x16(even, odd));
        self.combine_i16x16(self.zip_low_i16x16(even, odd), self.zip_high_i16x16(even, odd))
    }

    /// Looks up values and slopes. `k` is from 0 to 63.
    #[inline(always)]
    fn lines(self, table: &Lines, k: i16x32<Self>) -> (i16x32<Self>, i16x32<Self>) {
        let k: u8x64<Self> = Bytes::bitcast(self.or_i16x32(k, self.shl_i16x32(k, 8)));
        let find = |bytes: &[u8; 64]| {
            self.swizzle_dyn_u8x64(fearless_simd::SimdFrom::simd_from(self, *bytes), k)
        };
        let low: u8x64<Self> = Bytes::bitcast(self.splat_i16x32(0xff));
        let join = |[low_bytes, high_bytes]: &[[u8; 64]; 2]| {
            Bytes::bitcast(self.or_u8x64(
                self.and_u8x64(find(low_bytes), low),
                self.and_u8x64(find(high_bytes), self.not_u8x64(low)),
            ))
        };
        (join(&table.value_bytes), join(&table.slope_bytes))
    }

    /// [`Self::lines`] from a table of more than 64. `k` is below their number.
    #[inline(always)]
    fn long_lines<const PARTS: usize>(
        self,
        table: &LongLines<PARTS>,
        k: i16x32<Self>,
    ) -> (i16x32<Self>, i16x32<Self>) {
        let k = k.into();
        (find_each(self, &table.value, k), find_each(self, &table.slope, k))
    }
}

/// Looks numbers up one by one.
#[inline(always)]
fn find_each<S: Integers, const PARTS: usize>(
    vectors: S,
    table: &[[i16; 64]; PARTS],
    k: [i16; 32],
) -> i16x32<S> {
    let table = table.as_flattened();
    let found = k.map(|k| table.get(usize::from(k as u16)).copied().unwrap_or_default());
    fearless_simd::SimdFrom::simd_from(vectors, found)
}

/// A table of 64 values and slopes, in the forms in which vectors look numbers up. Aligned to a cache line, since a vector
/// that lies in two lines takes twice as long to load.
#[repr(align(64))]
pub struct Lines {
    pub(super) value: [i16; 64],
    pub(super) slope: [i16; 64],
    /// The low and the high bytes of the values.
    pub(super) value_bytes: [[u8; 64]; 2],
    /// The low and the high bytes of the slopes.
    pub(super) slope_bytes: [[u8; 64]; 2],
}

impl Lines {
    pub(super) const fn new(table: &[Line; 64]) -> Self {
        let mut lines = Self {
            value: [0; 64],
            slope: [0; 64],
            value_bytes: [[0; 64]; 2],
            slope_bytes: [[0; 64]; 2],
        };
        let mut k = 0;
        while k < 64 {
            (lines.value[k], lines.slope[k]) = table[k];
            [lines.value_bytes[0][k], lines.value_bytes[1][k]] = lines.value[k].to_le_bytes();
            [lines.slope_bytes[0][k], lines.slope_bytes[1][k]] = lines.slope[k].to_le_bytes();
            k += 1;
        }
        lines
    }
}

/// A table of more than 64 values and slopes, in parts of 64. The rest of the last part repeats the last line.
#[repr(align(64))]
pub struct LongLines<const PARTS: usize> {
    pub(super) value: [[i16; 64]; PARTS],
    pub(super) slope: [[i16; 64]; PARTS],
    /// The number of lines.
    pub(super) count: usize,
}

impl<const PARTS: usize> LongLines<PARTS> {
    pub(super) const fn new(table: &[Line]) -> Self {
        assert!(table.len() <= 64 * PARTS, "the parts hold the table");
        let mut lines =
            Self { value: [[0; 64]; PARTS], slope: [[0; 64]; PARTS], count: table.len() };
        let mut k = 0;
        while k < 64 * PARTS {
            let line = table[if k < table.len() { k } else { table.len() - 1 }];
            (lines.value[k / 64][k % 64], lines.slope[k / 64][k % 64]) = line;
            k += 1;
        }
        lines
    }
}

/// Evaluates an expression with the widest vectors that the processor has, or another one if it has none.
macro_rules! with_integers {
    ($vectors:ident => $value:expr, otherwise $plain:expr) => {{
        use fearless_simd::Simd as _;

        let level = fearless_simd::Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let found = crate::fixed::vectors::with_integers!(
            level, $vectors => $value; as_avx512 as_avx2 as_sse4_2 as_sse2
        );
        #[cfg(target_arch = "aarch64")]
        let found = crate::fixed::vectors::with_integers!(level, $vectors => $value; as_neon);
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        let found =
            crate::fixed::vectors::with_integers!(level, $vectors => $value; as_wasm_simd128);
        #[cfg(not(any(
            target_arch = "x86",
            target_arch = "x86_64",
            target_arch = "aarch64",
            all(target_arch = "wasm32", target_feature = "simd128")
        )))]
        let found = {
            let _ = level;
            false
        };
        if !found {
            $plain
        }
    }};
    ($level:ident, $vectors:ident => $value:expr; $($set:ident)+) => {
        $(
            if let Some($vectors) = $level.$set() {
                $vectors.vectorize(
                    #[inline(always)]
                    || {
                        $value;
                    },
                );
                true
            } else
        )+ {
            false
        }
    };
}
pub(super) use with_integers;

#[cfg(target_arch = "aarch64")]
impl Integers for fearless_simd::Neon {
    const TILE: usize = 4;
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Integers for fearless_simd::WasmSimd128 {
    const TILE: usize = 2;
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod x86 {
    #[cfg(target_arch = "x86")]
    use core::arch::x86::*;
    #[cfg(target_arch = "x86_64")]
    use core::arch::x86_64::*;

    use fearless_simd::{
        Avx2, Avx512, Simd, SimdFrom, Sse2, Sse4_2, i16x16, i16x32, i32x8, i32x16, u64x2,
    };

    use super::{Integers, Lines, LongLines};

    impl Integers for Sse2 {
        const TILE: usize = 2;
    }

    impl Integers for Sse4_2 {
        const TILE: usize = 2;
    }

    fearless_simd::kernel!(
        #[inline(always)]
        fn high_product_avx2(token: Avx2, a: i16x16<Avx2>, b: i16x16<Avx2>) -> i16x16<Avx2> {
            i16x16::simd_from(token, _mm256_mulhi_epi16(a.into(), b.into()))
        }
    );

    fearless_simd::kernel!(
        #[inline(always)]
        fn paired_avx2(token: Avx2, even: i32x8<Avx2>, odd: i32x8<Avx2>) -> i16x16<Avx2> {
            // In each half of the register: four even numbers, then four odd ones.
            let packed = _mm256_packs_epi32(even.into(), odd.into());
            let order = _mm256_setr_epi8(
                0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 10, 11, 4,
                5, 12, 13, 6, 7, 14, 15,
            );
            i16x16::simd_from(token, _mm256_shuffle_epi8(packed, order))
        }
    );

    fearless_simd::kernel!(
        /// Values and slopes of 32 numbers `k`. A shuffle looks 16 bytes up, and gives 0 where the index has its highest
        /// bit: each of the four parts of a table finds its own.
        #[inline(always)]
        fn lines_avx2(
            token: Avx2,
            table: [&[[u8; 64]; 2]; 2],
            k_0: i16x16<Avx2>,
            k_1: i16x16<Avx2>,
        ) -> [[i16x16<Avx2>; 2]; 2] {
            let k = _mm256_packus_epi16(k_0.into(), k_1.into());
            let own = _mm256_set1_epi8(0x70);
            let parts = [
                _mm256_adds_epu8(k, own),
                _mm256_adds_epu8(_mm256_sub_epi8(k, _mm256_set1_epi8(16)), own),
                _mm256_adds_epu8(_mm256_sub_epi8(k, _mm256_set1_epi8(32)), own),
                _mm256_adds_epu8(_mm256_sub_epi8(k, _mm256_set1_epi8(48)), own),
            ];
            let zero = i16x16::simd_from(token, _mm256_setzero_si256());
            let mut found = [[zero; 2]; 2];
            for (found, planes) in found.iter_mut().zip(table) {
                let mut bytes = [_mm256_setzero_si256(); 2];
                for (bytes, plane) in bytes.iter_mut().zip(planes) {
                    for (&index, plane) in parts.iter().zip(plane.as_chunks::<16>().0) {
                        let words = u64x2::simd_from(
                            token,
                            [
                                u64::from_le_bytes(*plane.first_chunk().unwrap_or(&[0; 8])),
                                u64::from_le_bytes(*plane.last_chunk().unwrap_or(&[0; 8])),
                            ],
                        );
                        let plane = _mm256_broadcastsi128_si256(words.into());
                        *bytes = _mm256_or_si256(*bytes, _mm256_shuffle_epi8(plane, index));
                    }
                }
                let [low, high] = bytes;
                *found = [
                    i16x16::simd_from(token, _mm256_unpacklo_epi8(low, high)),
                    i16x16::simd_from(token, _mm256_unpackhi_epi8(low, high)),
                ];
            }
            found
        }
    );

    impl Integers for Avx2 {
        const TILE: usize = 4;

        #[inline(always)]
        fn high_product(self, a: i16x32<Self>, b: i16x32<Self>) -> i16x32<Self> {
            let ((a_0, a_1), (b_0, b_1)) = (self.split_i16x32(a), self.split_i16x32(b));
            self.combine_i16x16(
                high_product_avx2(self, a_0, b_0),
                high_product_avx2(self, a_1, b_1),
            )
        }

        #[inline(always)]
        fn paired(self, even: i32x16<Self>, odd: i32x16<Self>) -> i16x32<Self> {
            let ((even_0, even_1), (odd_0, odd_1)) =
                (self.split_i32x16(even), self.split_i32x16(odd));
            self.combine_i16x16(paired_avx2(self, even_0, odd_0), paired_avx2(self, even_1, odd_1))
        }

        #[inline(always)]
        fn lines(self, table: &Lines, k: i16x32<Self>) -> (i16x32<Self>, i16x32<Self>) {
            let (k_0, k_1) = self.split_i16x32(k);
            let planes = [&table.value_bytes, &table.slope_bytes];
            let [value, slope] = lines_avx2(self, planes, k_0, k_1);
            (self.combine_i16x16(value[0], value[1]), self.combine_i16x16(slope[0], slope[1]))
        }
    }

    fearless_simd::kernel!(
        #[inline(always)]
        fn high_product_avx512(
            token: Avx512,
            a: i16x32<Avx512>,
            b: i16x32<Avx512>,
        ) -> i16x32<Avx512> {
            i16x32::simd_from(token, _mm512_mulhi_epi16(a.into(), b.into()))
        }
    );

    fearless_simd::kernel!(
        #[inline(always)]
        fn paired_avx512(
            token: Avx512,
            even: i32x16<Avx512>,
            odd: i32x16<Avx512>,
        ) -> i16x32<Avx512> {
            // In each quarter of the register: four even numbers, then four odd ones.
            let packed = _mm512_packs_epi32(even.into(), odd.into());
            let order = _mm512_broadcast_i32x4(_mm_setr_epi8(
                0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
            ));
            i16x32::simd_from(token, _mm512_shuffle_epi8(packed, order))
        }
    );

    fearless_simd::kernel!(
        /// Looks up one of 64 numbers. Only the lower six bits of an index count.
        #[inline(always)]
        fn find_avx512(token: Avx512, table: &[i16; 64], k: i16x32<Avx512>) -> i16x32<Avx512> {
            let [low, high] = table.as_chunks::<32>().0 else { return k };
            let (low, high) = (i16x32::simd_from(token, *low), i16x32::simd_from(token, *high));
            let found = _mm512_permutex2var_epi16(low.into(), k.into(), high.into());
            i16x32::simd_from(token, found)
        }
    );

    impl Integers for Avx512 {
        const TILE: usize = 16;

        #[inline(always)]
        fn high_product(self, a: i16x32<Self>, b: i16x32<Self>) -> i16x32<Self> {
            high_product_avx512(self, a, b)
        }

        #[inline(always)]
        fn paired(self, even: i32x16<Self>, odd: i32x16<Self>) -> i16x32<Self> {
            paired_avx512(self, even, odd)
        }

        #[inline(always)]
        fn lines(self, table: &Lines, k: i16x32<Self>) -> (i16x32<Self>, i16x32<Self>) {
            (find_avx512(self, &table.value, k), find_avx512(self, &table.slope, k))
        }

        #[inline(always)]
        fn long_lines<const PARTS: usize>(
            self,
            table: &LongLines<PARTS>,
            k: i16x32<Self>,
        ) -> (i16x32<Self>, i16x32<Self>) {
            let part = self.shr_i16x32(k, 6);
            let (mut value, mut slope) = (k, k);
            for (p, (values, slopes)) in table.value.iter().zip(&table.slope).enumerate() {
                let own = self.simd_eq_i16x32(part, self.splat_i16x32(p as i16));
                value = self.select_i16x32(own, find_avx512(self, values, k), value);
                slope = self.select_i16x32(own, find_avx512(self, slopes, k), slope);
            }
            (value, slope)
        }
    }
}
