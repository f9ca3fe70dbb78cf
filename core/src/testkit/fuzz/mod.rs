//! Bodies of the fuzz targets: any bytes in, a panic only when a law is broken.

mod framing;

pub use framing::framing;
