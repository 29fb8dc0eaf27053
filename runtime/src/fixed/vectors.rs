//! What the integer kernels need beside portable vector operations.

use fearless_simd::{Bytes, Simd, i16x32, i32x16, u8x64};

/// Vectors of integers.
pub(super) trait Integers: Simd {
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

    /// Looks up 64 values and slopes, given as planes of their low and high bytes. `k` is from 0 to 63.
    #[inline(always)]
    fn lines(self, planes: &[[u8; 64]; 4], k: i16x32<Self>) -> (i16x32<Self>, i16x32<Self>) {
        let k: u8x64<Self> = Bytes::bitcast(self.or_i16x32(k, self.shl_i16x32(k, 8)));
        let [value_low, value_high, slope_low, slope_high] = planes;
        let value = self.join(self.find(value_low, k), self.find(value_high, k));
        let slope = self.join(self.find(slope_low, k), self.find(slope_high, k));
        (value, slope)
    }

    /// Joins the low bytes of some numbers and the high bytes of others.
    #[inline(always)]
    fn join(self, low: u8x64<Self>, high: u8x64<Self>) -> i16x32<Self> {
        let low_bytes: u8x64<Self> = Bytes::bitcast(self.splat_i16x32(0xff));
        let low = self.and_u8x64(low, low_bytes);
        let high = self.and_u8x64(high, self.not_u8x64(low_bytes));
        Bytes::bitcast(self.or_u8x64(low, high))
    }

    /// Looks up bytes in a table. `k` is from 0 to 63.
    #[inline(always)]
    fn find(self, table: &[u8; 64], k: u8x64<Self>) -> u8x64<Self> {
        let table = fearless_simd::SimdFrom::simd_from(self, *table);
        self.swizzle_dyn_u8x64(table, k)
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

    use fearless_simd::{Avx2, Avx512, Simd, SimdFrom, Sse2, Sse4_2, i16x16, i16x32, u8x32, u8x64};

    use super::Integers;

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
        /// Looks up bytes in a table of 64. A shuffle gives 0 where the index has its highest bit.
        #[inline(always)]
        fn find_avx2(token: Avx2, table: &[u8; 64], k: u8x32<Avx2>) -> u8x32<Avx2> {
            let k: __m256i = k.into();
            let mut found = _mm256_setzero_si256();
            let parts = table.as_chunks::<16>().0;
            let mut offset = 0;
            for part in parts {
                let bytes: [i64; 2] = [
                    i64::from_le_bytes([
                        part[0], part[1], part[2], part[3], part[4], part[5], part[6], part[7],
                    ]),
                    i64::from_le_bytes([
                        part[8], part[9], part[10], part[11], part[12], part[13], part[14],
                        part[15],
                    ]),
                ];
                let part = _mm256_setr_epi64x(bytes[0], bytes[1], bytes[0], bytes[1]);
                let index = _mm256_adds_epu8(
                    _mm256_sub_epi8(k, _mm256_set1_epi8(offset)),
                    _mm256_set1_epi8(0x70),
                );
                found = _mm256_or_si256(found, _mm256_shuffle_epi8(part, index));
                offset += 16;
            }
            u8x32::simd_from(token, found)
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
        fn find(self, table: &[u8; 64], k: u8x64<Self>) -> u8x64<Self> {
            let (low, high) = self.split_u8x64(k);
            self.combine_u8x32(find_avx2(self, table, low), find_avx2(self, table, high))
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

    impl Integers for Avx512 {
        const TILE: usize = 16;

        #[inline(always)]
        fn high_product(self, a: i16x32<Self>, b: i16x32<Self>) -> i16x32<Self> {
            high_product_avx512(self, a, b)
        }
    }
}
