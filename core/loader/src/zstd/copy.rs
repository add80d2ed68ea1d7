//! Copies of literals and matches: in steps of 16 bytes that may overrun their end, where there is room for that.

/// Bytes that a copy may read or write behind its end.
pub const SLACK: usize = 16;
const STEP: u32 = SLACK as u32;

/// Copies `len` bytes (at least one step) from `from[from_at..]` to `to[at..]`.
#[inline(always)]
pub fn literals(to: &mut [u8], at: u32, from: &[u8], from_at: u32, len: u32) -> Option<()> {
    let mut done = 0u32;
    loop {
        let step = load(from, from_at.wrapping_add(done))?;
        store(to, at.wrapping_add(done), step)?;
        done = done.wrapping_add(STEP);
        if done >= len {
            return Some(());
        }
    }
}

/// Copies `len` bytes (at least one step) to `out[at..]` from `offset` bytes before that.
#[inline(always)]
pub fn repeat(out: &mut [u8], at: u32, offset: u32, len: u32) -> Option<()> {
    let from = at.checked_sub(offset)?;
    if offset < STEP {
        return repeat_near(out, at, from, len);
    }
    let mut done = 0u32;
    loop {
        let step = load(out, from.wrapping_add(done))?;
        store(out, at.wrapping_add(done), step)?;
        done = done.wrapping_add(STEP);
        if done >= len {
            return Some(());
        }
    }
}

/// Copies to `out[at..]` from `out[from..]`, where source and destination overlap within a step.
fn repeat_near(out: &mut [u8], at: u32, from: u32, len: u32) -> Option<()> {
    let end = (at as usize).checked_add(len as usize)?;
    let area = out.get_mut(from as usize..end)?;
    let offset = at.wrapping_sub(from) as usize;
    if offset == 0 {
        return None;
    }
    // The pattern doubles with every copy: source and destination never overlap.
    let mut known = offset;
    while known < area.len() {
        let (source, rest) = area.split_at_mut_checked(known)?;
        let n = known.min(rest.len());
        rest.get_mut(..n)?.copy_from_slice(source.get(..n)?);
        known = known.wrapping_add(n);
    }
    Some(())
}

/// As [`literals`], without overrunning.
pub fn literals_exact(to: &mut [u8], at: u32, from: &[u8], from_at: u32, len: u32) -> Option<()> {
    let range = |at: u32| Some(at as usize..(at as usize).checked_add(len as usize)?);
    to.get_mut(range(at)?)?.copy_from_slice(from.get(range(from_at)?)?);
    Some(())
}

/// As [`repeat`], without overrunning.
pub fn repeat_exact(out: &mut [u8], at: u32, offset: u32, len: u32) -> Option<()> {
    repeat_near(out, at, at.checked_sub(offset)?, len)
}

#[inline(always)]
fn load(from: &[u8], at: u32) -> Option<[u8; SLACK]> {
    let at = at as usize;
    from.get(at..at.wrapping_add(SLACK))?.first_chunk().copied()
}

#[inline(always)]
fn store(to: &mut [u8], at: u32, v: [u8; SLACK]) -> Option<()> {
    let at = at as usize;
    *to.get_mut(at..at.wrapping_add(SLACK))?.first_chunk_mut()? = v;
    Some(())
}
