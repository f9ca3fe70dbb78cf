//! One of two framings, as a framing.

use super::{Framing, Scan, Whole};
use crate::Either;
use crate::buffer::Buffer;
use crate::error::{DecodeError, EncodeError};

impl<L: Framing, R: Framing> Framing for Either<L, R> {
    type Found = Either<L::Found, R::Found>;
    type Frame<'a> = Either<L::Frame<'a>, R::Frame<'a>>;
    type Item<'a> = Either<L::Item<'a>, R::Item<'a>>;

    #[inline]
    fn scan(&mut self, input: &[u8]) -> Result<Scan<Self::Found>, DecodeError> {
        let scan = match self {
            Self::Left(left) => match left.scan(input)? {
                Scan::Found(whole) => return Ok(Scan::Found(found(whole, Either::Left))),
                Scan::Need(len) => Scan::Need(len),
                Scan::Hold => Scan::Hold,
            },
            Self::Right(right) => match right.scan(input)? {
                Scan::Found(whole) => return Ok(Scan::Found(found(whole, Either::Right))),
                Scan::Need(len) => Scan::Need(len),
                Scan::Hold => Scan::Hold,
            },
        };
        Ok(scan)
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<Self::Found>>, DecodeError> {
        Ok(match self {
            Self::Left(left) => left.scan_end(input)?.map(|whole| found(whole, Either::Left)),
            Self::Right(right) => right.scan_end(input)?.map(|whole| found(whole, Either::Right)),
        })
    }

    #[inline]
    fn view(found: Self::Found, bytes: &mut [u8]) -> Self::Frame<'_> {
        match found {
            Either::Left(found) => Either::Left(L::view(found, bytes)),
            Either::Right(found) => Either::Right(R::view(found, bytes)),
        }
    }

    /// # Errors
    /// Those of the framing, and [`EncodeError::Foreign`] for an item of the other one.
    #[inline]
    fn encode(&mut self, item: Self::Item<'_>, transmit: &mut Buffer) -> Result<(), EncodeError> {
        match (self, item) {
            (Self::Left(left), Either::Left(item)) => left.encode(item, transmit),
            (Self::Right(right), Either::Right(item)) => right.encode(item, transmit),
            (Self::Left(_), Either::Right(_)) | (Self::Right(_), Either::Left(_)) => {
                Err(EncodeError::Foreign)
            }
        }
    }

    #[inline]
    fn verbatim<'i>(&self, item: &'i Self::Item<'_>) -> Option<&'i [u8]> {
        match (self, item) {
            (Self::Left(left), Either::Left(item)) => left.verbatim(item),
            (Self::Right(right), Either::Right(item)) => right.verbatim(item),
            (Self::Left(_), Either::Right(_)) | (Self::Right(_), Either::Left(_)) => None,
        }
    }

    fn wire_len_max(&self) -> usize {
        match self {
            Self::Left(left) => left.wire_len_max(),
            Self::Right(right) => right.wire_len_max(),
        }
    }

    fn has_whole_frames(&self) -> bool {
        match self {
            Self::Left(left) => left.has_whole_frames(),
            Self::Right(right) => right.has_whole_frames(),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Left(left) => left.is_over(),
            Self::Right(right) => right.is_over(),
        }
    }

    fn drain(&mut self) {
        match self {
            Self::Left(left) => left.drain(),
            Self::Right(right) => right.drain(),
        }
    }
}

#[inline]
fn found<T, U>(whole: Whole<T>, wrap: impl FnOnce(T) -> U) -> Whole<U> {
    Whole { len: whole.len, found: wrap(whole.found) }
}
