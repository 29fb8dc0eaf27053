//! The processor in place of a card, for tests: the same kernels, compiled by a C compiler, and plain products.

use std::ffi::c_void;

use crate::machine::{Address, Factor, Kernel, Machine, Product, Result, Tiles};

unsafe extern "C" {
    fn flowlet_gpu_draw(arguments: *mut *mut c_void);
    fn flowlet_gpu_activate(arguments: *mut *mut c_void);
    fn flowlet_gpu_slopes(arguments: *mut *mut c_void);
    fn flowlet_gpu_error(arguments: *mut *mut c_void);
    fn flowlet_gpu_advance(arguments: *mut *mut c_void);
    fn flowlet_gpu_chain(arguments: *mut *mut c_void);
    fn flowlet_gpu_squares(arguments: *mut *mut c_void);
    fn flowlet_gpu_finish(arguments: *mut *mut c_void);
    fn flowlet_gpu_adam(arguments: *mut *mut c_void);
}

/// The processor with the memory of a training.
#[derive(Debug, Default)]
pub(crate) struct Emulated {
    /// Of 64-bit words, so that numbers of any size are aligned.
    memory: Vec<Vec<u64>>,
}

impl Machine for Emulated {
    fn zeros(&mut self, words: usize) -> Result<Address> {
        let mut memory = vec![0; words.div_ceil(2).max(1)];
        let address = memory.as_mut_ptr() as u64;
        self.memory.push(memory);
        Ok(Address(address))
    }

    fn write(&mut self, words: &[u32], to: Address) -> Result<()> {
        // SAFETY: the callers write only inside of what `zeros` returned.
        unsafe { std::slice::from_raw_parts_mut(to.0 as *mut u32, words.len()) }
            .copy_from_slice(words);
        Ok(())
    }

    fn read(&mut self, from: Address, words: &mut [u32]) -> Result<()> {
        // SAFETY: as in `write`.
        words.copy_from_slice(unsafe {
            std::slice::from_raw_parts(from.0 as *const u32, words.len())
        });
        Ok(())
    }

    fn blocks(&self, _: u64) -> u32 {
        1
    }

    fn tiles(&self, _: usize, columns: usize) -> Tiles {
        Tiles { columns: columns.max(1), chunks: 1 }
    }

    unsafe fn launch(
        &mut self,
        kernel: Kernel,
        mut n: u64,
        _: [u32; 2],
        arguments: *const c_void,
    ) -> Result<()> {
        let function = match kernel {
            Kernel::Draw => flowlet_gpu_draw,
            Kernel::Activate => flowlet_gpu_activate,
            Kernel::Slopes => flowlet_gpu_slopes,
            Kernel::Error => flowlet_gpu_error,
            Kernel::Advance => flowlet_gpu_advance,
            Kernel::Chain => flowlet_gpu_chain,
            Kernel::Squares => flowlet_gpu_squares,
            Kernel::Finish => flowlet_gpu_finish,
            Kernel::Adam => flowlet_gpu_adam,
        };
        let mut parameters = [(&raw mut n).cast(), arguments.cast_mut()];
        // SAFETY: as the caller says.
        unsafe { function(parameters.as_mut_ptr()) };
        Ok(())
    }

    unsafe fn multiply(&mut self, product: &Product) -> Result<()> {
        let Product { a, b, out, stride, rows, inner, columns, add } = *product;
        let at = |factor: Factor, row: usize, column: usize| {
            let [row, column] = if factor.transposed { [column, row] } else { [row, column] };
            // SAFETY: as the caller says.
            unsafe { *(factor.address.floats(row * factor.stride + column).0 as *const f32) }
        };
        for row in 0..rows {
            for column in 0..columns {
                let sum = (0..inner).map(|k| at(a, row, k) * at(b, k, column)).sum::<f32>();
                // SAFETY: as the caller says.
                let out = unsafe { &mut *(out.floats(row * stride + column).0 as *mut f32) };
                *out = if add { *out + sum } else { sum };
            }
        }
        Ok(())
    }

    fn begin_recording(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn end_recording(&mut self) -> Result<()> {
        Ok(())
    }

    fn replay(&mut self) -> Result<()> {
        Ok(())
    }
}
