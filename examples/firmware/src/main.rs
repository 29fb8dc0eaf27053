//! A flow-matching model in firmware: a self-test at start-up, a solver step at each tick of the timer, and a
//! second model that is loaded into RAM at run time.
#![no_std]
#![no_main]

use cortex_m::peripheral::{Peripherals, syst::SystClkSource};
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::{debug, hprintln};
use flowlet::{Euler, Mlp, Noise, SelfTest, Silu, VelocityField};
use panic_semihosting as _;

/// 2 data dimensions, 0 conditions, 32 wide, 1 hidden-to-hidden layer. `flowlet inspect` prints this type.
type Model = Mlp<2, 0, 32, 1, Silu>;

/// The built-in model. Its weights are in flash, and a wrong file does not compile.
static SPIRAL: Model = Mlp::from_safetensors(include_bytes!("../models/spiral.safetensors"));
static CHECK: SelfTest<2, 0> =
    SelfTest::from_safetensors(include_bytes!("../models/spiral.safetensors"));
/// In a real program, this file would arrive later, from a radio, a serial port or external flash.
static MOONS: &[u8] = include_bytes!("../models/moons.safetensors");

static SOLVER: Euler<16> = Euler::UNIFORM;

#[entry]
fn main() -> ! {
    // Space in RAM for the model that is loaded. cortex-m-rt turns SLOT into a `&'static mut Model`.
    static mut SLOT: Model = Mlp::zero();

    assert!(CHECK.run(&SPIRAL).is_ok(), "this chip does not calculate the bits of the model");
    hprintln!("self-test passed");

    let mut timer = Peripherals::take().unwrap().SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(250_000 - 1); // 100 ticks a second at 25 MHz.
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();

    sample("spiral", &SPIRAL);
    assert!(SLOT.load(MOONS).is_ok(), "the file is not a model of this size");
    sample("moons", SLOT);

    debug::exit(debug::EXIT_SUCCESS); // Exits QEMU.
    unreachable!()
}

/// Moves one point from noise to a sample of the model, one solver step per tick, and prints the sample.
fn sample(name: &str, model: &Model) {
    let mut state = SOLVER.start(Noise::new(7).sample(0));
    while SOLVER.step(model, &mut state, []) {
        cortex_m::asm::wfi(); // Sleeps until the next tick.
    }
    let [x, y] = model.to_data_units(state.x);
    hprintln!("{}: {} {} thousandths", name, (1000.0 * x) as i32, (1000.0 * y) as i32);
}

#[exception]
fn SysTick() {} // The interrupt only wakes up `sample`.
