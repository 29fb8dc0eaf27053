//! An NVIDIA GPU, through its driver, cuBLAS and NVRTC.

use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

use cudarc::cublas::{self, CudaBlas, sys::cublasOperation_t};
use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode, is_culib_present};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaGraph, CudaSlice, CudaStream, DevicePtr, result,
};
use cudarc::nvrtc::{CompileOptions, compile_ptx_with_opts};

use crate::machine::{Address, Error, Factor, Kernel, Machine, Product, Result, Tiles};

/// The kernels, compiled for the card when it is opened.
const KERNELS: &str = include_str!("kernels.c");

/// Threads in a block, as `block_sum` in `kernels.c` expects.
const THREADS: u32 = 256;

/// The most blocks of a launch. More would only take turns: a large card runs about a thousand at once.
const BLOCKS: u32 = 2048;

/// Columns in a block of `EACH_COLUMN` in `kernels.c`.
const TILE: usize = 32;

/// A card with the memory of a training.
pub(crate) struct Card {
    stream: Arc<CudaStream>,
    blas: CudaBlas,
    functions: Vec<CudaFunction>,
    memory: Vec<CudaSlice<u32>>,
    graph: Option<CudaGraph>,
}

impl Card {
    /// Opens the first card.
    ///
    /// # Errors
    ///
    /// When there is none, or a library is missing; the error says which.
    pub fn open() -> Result<Self> {
        let context = context()?;
        // SAFETY: only loads the libraries by name.
        let present =
            unsafe { [cublas::sys::is_culib_present(), cudarc::nvrtc::sys::is_culib_present()] };
        for (present, library) in present.into_iter().zip(["cuBLAS", "NVRTC"]) {
            if !present {
                return Err(Error(format!(
                    "NVIDIA's library {library} is not found: install the CUDA toolkit (or PyTorch with CUDA), and \
                     name the folder of its libraries in LD_LIBRARY_PATH"
                )));
            }
        }
        // SAFETY: all work is on one stream, so its order is that of the calls.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().map_err(failure("a stream"))?;
        let blas = CudaBlas::new(stream.clone()).map_err(failure("cuBLAS"))?;
        let (major, minor) = context.compute_capability().map_err(failure("the card"))?;
        let options = CompileOptions {
            options: vec![format!("--gpu-architecture=compute_{major}{minor}")],
            ..CompileOptions::default()
        };
        let kernels = compile_ptx_with_opts(KERNELS, options).map_err(failure("the kernels"))?;
        let module = context.load_module(kernels).map_err(failure("the kernels"))?;
        let functions = Kernel::NAMES
            .iter()
            .map(|name| module.load_function(name).map_err(failure(name)))
            .collect::<Result<_>>()?;
        Ok(Self { stream, blas, functions, memory: Vec::new(), graph: None })
    }
}

/// The name of the first card.
///
/// # Errors
///
/// When there is none, or its driver is missing.
pub(crate) fn name() -> Result<String> {
    context()?.name().map_err(failure("the card"))
}

fn context() -> Result<Arc<CudaContext>> {
    // SAFETY: only loads the library by name.
    if !unsafe { is_culib_present() } {
        return Err(Error(
            "no NVIDIA driver is found: expected an NVIDIA GPU and its driver (`nvidia-smi` lists them)"
                .to_owned(),
        ));
    }
    CudaContext::new(0).map_err(failure("no NVIDIA GPU can be used"))
}

/// Names what failed.
fn failure<E: fmt::Debug>(what: &str) -> impl FnOnce(E) -> Error {
    move |error| Error(format!("{what}: {error:?}"))
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card").field("allocations", &self.memory.len()).finish_non_exhaustive()
    }
}

impl Machine for Card {
    fn zeros(&mut self, words: usize) -> Result<Address> {
        let memory = self.stream.alloc_zeros::<u32>(words.max(1)).map_err(|error| {
            let megabytes = words / 250_000;
            Error(format!(
                "the card has no {megabytes} MB left ({error:?}): choose a smaller batch_size or network"
            ))
        })?;
        let address = memory.device_ptr(&self.stream).0;
        self.memory.push(memory);
        Ok(Address(address))
    }

    fn write(&mut self, words: &[u32], to: Address) -> Result<()> {
        // SAFETY: the callers write only inside of what `zeros` returned. The driver copies from pageable memory
        // before it returns.
        unsafe { result::memcpy_htod_async(to.0, words, self.stream.cu_stream()) }
            .map_err(failure("a copy to the card"))
    }

    fn read(&mut self, from: Address, words: &mut [u32]) -> Result<()> {
        // SAFETY: as in `write`; and the stream is waited for.
        unsafe { result::memcpy_dtoh_async(words, from.0, self.stream.cu_stream()) }
            .and_then(|()| self.stream.synchronize())
            .map_err(failure("a copy from the card"))
    }

    fn blocks(&self, n: u64) -> u32 {
        u32::try_from(n.div_ceil(THREADS.into())).unwrap_or(u32::MAX).clamp(1, BLOCKS)
    }

    fn tiles(&self, rows: usize, columns: usize) -> Tiles {
        // At least four rows for each of a column's eight threads, and enough blocks for a large card.
        let most = (BLOCKS as usize / columns.div_ceil(TILE)).max(8);
        Tiles { columns: TILE, chunks: rows.div_ceil(32).clamp(1, most) as u32 }
    }

    unsafe fn launch(
        &mut self,
        kernel: Kernel,
        mut n: u64,
        [columns, rows]: [u32; 2],
        arguments: *const c_void,
    ) -> Result<()> {
        let mut parameters = [(&raw mut n).cast(), arguments.cast_mut()];
        // SAFETY: as the caller says; the driver copies the parameters before it returns.
        unsafe {
            result::launch_kernel(
                self.functions[kernel as usize].cu_function(),
                (columns, rows, 1),
                (THREADS, 1, 1),
                0,
                self.stream.cu_stream(),
                &mut parameters,
            )
        }
        .map_err(failure("a kernel"))
    }

    unsafe fn multiply(&mut self, product: &Product) -> Result<()> {
        // cuBLAS reads matrices column by column, so ours are their transposes: outᵀ = bᵀ·aᵀ.
        let Product { a, b, out, stride, rows, inner, columns, add } = *product;
        let operation = |factor: Factor| match factor.transposed {
            true => cublasOperation_t::CUBLAS_OP_T,
            false => cublasOperation_t::CUBLAS_OP_N,
        };
        let [columns, rows, inner, b_stride, a_stride, stride] =
            [columns, rows, inner, b.stride, a.stride, stride]
                .map(|size| i32::try_from(size).expect("checked when the trainer is made"));
        let (one, beta) = (1.0, if add { 1.0 } else { 0.0 });
        // SAFETY: as the caller says.
        unsafe {
            cublas::result::sgemm(
                *self.blas.handle(),
                operation(b),
                operation(a),
                columns,
                rows,
                inner,
                &raw const one,
                b.address.0 as *const f32,
                b_stride,
                a.address.0 as *const f32,
                a_stride,
                &raw const beta,
                out.0 as *mut f32,
                stride,
            )
        }
        .map_err(failure("a product"))
    }

    fn begin_recording(&mut self) -> Result<bool> {
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        self.stream.begin_capture(mode).map_err(failure("a CUDA graph"))?;
        Ok(true)
    }

    fn end_recording(&mut self) -> Result<()> {
        let graph = self
            .stream
            .end_capture(CUgraphInstantiate_flags(0))
            .map_err(failure("a CUDA graph"))?;
        self.graph = graph;
        match self.graph {
            Some(_) => Ok(()),
            None => Err(Error("a CUDA graph: nothing was recorded".to_owned())),
        }
    }

    fn replay(&mut self) -> Result<()> {
        match &self.graph {
            Some(graph) => graph.launch().map_err(failure("a CUDA graph")),
            None => Err(Error("no CUDA graph is recorded".to_owned())),
        }
    }
}
