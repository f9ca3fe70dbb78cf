//! Writes what the laws' strategies try as seeds of the fuzz targets:
//! `cargo run --example write_seeds --features testkit -- fuzz/corpus`.

use std::{env, fs, io, path::Path};

use drywire::testkit::check::Check;
use own_protocol::{Resp, Store};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| "fuzz/corpus".to_string());
    let write = |target: &str, seeds: &mut dyn Iterator<Item = Vec<u8>>| {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        seeds
            .enumerate()
            .try_for_each(|(at, seed)| fs::write(folder.join(format!("{at:02}")), seed))
    };
    write("resp", &mut Check::framing(Resp::new(100)).cases(40).seeds())?;
    write("store", &mut Check::protocol(Store::new).cases(40).seeds())
}
