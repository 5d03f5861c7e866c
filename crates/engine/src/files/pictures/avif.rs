//! AVIF: items of Exif and XMP are blanked where they stand, so that nothing else moves
//! (ISO/IEC 14496-12 §8.11, ISO/IEC 23008-12 §A).

use super::Found;

/// Items of one picture: tiles, an alpha plane, what is told; more is crafted.
const ITEMS_MAX: u64 = 10_000;

/// A box: its kind, where its body begins, and where it ends.
type Place = ([u8; 4], usize, usize);

/// The picture with what it tells of its maker blanked. Nothing where its boxes cannot be read, or
/// what it tells cannot be found in it.
pub(super) fn avif(bytes: &[u8]) -> Found {
    let top = boxes(bytes, 0, bytes.len())?;
    top.first().filter(|(kind, ..)| kind == b"ftyp")?;
    let (_, meta, end) = *top.iter().find(|(kind, ..)| kind == b"meta")?;
    let inner = boxes(bytes, meta.checked_add(4)?, end)?;
    let within = |name: &[u8; 4]| inner.iter().find(|(kind, ..)| kind == name).copied();
    let mut out = bytes.to_vec();
    let told = told(bytes, within(b"iinf")?)?;
    if !told.is_empty() {
        let idat = within(b"idat").map(|(_, body, _)| body);
        for (from, until) in extents(bytes, within(b"iloc")?, &told, idat)? {
            out.get_mut(from..until)?.fill(0);
        }
    }
    // Where some programs keep XMP besides.
    for (_, body, end) in top.iter().filter(|(kind, ..)| kind == b"uuid") {
        out.get_mut(*body..*end)?.fill(0);
    }
    let (width, height) = size(bytes, within(b"iprp")?)?;
    Some((width, height, out))
}

/// The boxes that fill `from .. until`.
fn boxes(bytes: &[u8], from: usize, until: usize) -> Option<Vec<Place>> {
    let (mut all, mut at) = (Vec::new(), from);
    while at < until {
        let mut head = Cursor { bytes, at };
        let length = head.number(4)?;
        let kind: [u8; 4] = bytes.get(head.at..head.at.checked_add(4)?)?.try_into().ok()?;
        head.at += 4;
        let end = match length {
            0 => until,
            1 => at.checked_add(usize::try_from(head.number(8)?).ok()?)?,
            length => at.checked_add(usize::try_from(length).ok()?)?,
        };
        if end < head.at || end > until {
            return None;
        }
        all.push((kind, head.at, end));
        at = end;
    }
    Some(all)
}

/// The ids of the items that tell of the maker: Exif, XMP and their like.
fn told(bytes: &[u8], (_, body, end): Place) -> Option<Vec<u64>> {
    let mut head = Cursor { bytes, at: body };
    let wide = head.number(4)? >> 24 > 0;
    head.number(if wide { 4 } else { 2 })?;
    let mut ids = Vec::new();
    for (_, body, _) in boxes(bytes, head.at, end)? {
        let mut entry = Cursor { bytes, at: body };
        let version = entry.number(4)? >> 24;
        let id = entry.number(if version >= 3 { 4 } else { 2 })?;
        entry.number(2)?;
        let kind = bytes.get(entry.at..entry.at.checked_add(4)?)?;
        if version >= 2 && [&b"Exif"[..], b"mime", b"uri "].contains(&kind) {
            ids.push(id);
        }
    }
    Some(ids)
}

/// Where the bytes of the items `wanted` stand; nothing where one of them cannot be found.
fn extents(
    bytes: &[u8],
    (_, body, _): Place,
    wanted: &[u64],
    idat: Option<usize>,
) -> Option<Vec<(usize, usize)>> {
    let mut at = Cursor { bytes, at: body };
    let version = at.number(4)? >> 24;
    let sizes = at.number(2)?;
    let nibble = |shift: u32| usize::try_from(sizes >> shift & 0xf).ok();
    let (offset_bytes, length_bytes, base_bytes) = (nibble(12)?, nibble(8)?, nibble(4)?);
    let index_bytes = if version == 0 { 0 } else { nibble(0)? };
    let id_bytes = if version < 2 { 2 } else { 4 };
    let count = at.number(id_bytes).filter(|count| *count <= ITEMS_MAX)?;
    let (mut places, mut found) = (Vec::new(), 0);
    for _ in 0..count {
        let id = at.number(id_bytes)?;
        let method = if version == 0 { 0 } else { at.number(2)? & 0xf };
        at.number(2)?;
        let base = at.number(base_bytes)?;
        let is_wanted = wanted.contains(&id);
        found += usize::from(is_wanted);
        for _ in 0..at.number(2)? {
            at.number(index_bytes)?;
            let offset = base.checked_add(at.number(offset_bytes)?)?;
            let length = at.number(length_bytes)?;
            if !is_wanted {
                continue;
            }
            let begin = match method {
                0 => 0,
                1 => idat?,
                _ => return None,
            };
            let from = begin.checked_add(usize::try_from(offset).ok()?)?;
            // No length means all that there is: that would be the picture too.
            let length = usize::try_from(length).ok().filter(|length| *length > 0)?;
            places.push((from, from.checked_add(length)?));
        }
    }
    (found == wanted.len()).then_some(places)
}

/// The sides of the largest thing in it.
fn size(bytes: &[u8], (_, body, end): Place) -> Option<(u32, u32)> {
    let properties = boxes(bytes, body, end)?;
    let (_, body, end) = *properties.iter().find(|(kind, ..)| kind == b"ipco")?;
    let mut sides = Vec::new();
    for (_, body, _) in boxes(bytes, body, end)?.iter().filter(|(kind, ..)| kind == b"ispe") {
        let mut at = Cursor { bytes, at: body.checked_add(4)? };
        let (width, height) = (at.number(4)?, at.number(4)?);
        sides.push((u32::try_from(width).ok()?, u32::try_from(height).ok()?));
    }
    sides.into_iter().max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

/// Reads numbers one after another.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// A number of so many bytes, the highest first; of none, it is nought.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let end = self.at.checked_add(bytes)?;
        let digits = self.bytes.get(self.at..end).filter(|digits| digits.len() <= 8)?;
        self.at = end;
        Some(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&length[..], kind, body].concat()
    }

    /// A picture of 30 × 20, and one item more of `kind`, whose bytes stand in `mdat`, or within
    /// the header.
    fn picture(kind: &[u8; 4], method: u8) -> Vec<u8> {
        let entry = |id: u8, kind: &[u8; 4]| {
            boxed(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0][..], kind, b"\0"].concat())
        };
        let iinf = [&[0, 0, 0, 0, 0, 2][..], &entry(1, b"av01"), &entry(2, kind)].concat();
        let ispe = boxed(b"ispe", &[0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 20]);
        let iprp = boxed(b"ipco", &ispe);
        let idat = b"within 13.4 E";
        let make = |pixels: u8, told: u8| {
            let place = |id: u8, method: u8, from: u8, length: u8| {
                [0, id, 0, method, 0, 0, 0, 1, 0, 0, 0, from, 0, 0, 0, length]
            };
            let iloc = [
                &[1, 0, 0, 0, 0x44, 0, 0, 2][..],
                &place(1, 0, pixels, 6),
                &place(2, method, if method == 1 { 0 } else { told }, 13),
            ]
            .concat();
            let meta = [
                &[0, 0, 0, 0][..],
                &boxed(b"iinf", &iinf),
                &boxed(b"iloc", &iloc),
                &boxed(b"iprp", &iprp),
                &boxed(b"idat", idat),
            ]
            .concat();
            let ftyp = boxed(b"ftyp", b"avif\0\0\0\0avif");
            [ftyp, boxed(b"meta", &meta), boxed(b"mdat", b"pixelswithout 13.4 N")].concat()
        };
        let all = make(0, 0);
        let at = all.windows(6).position(|six| six == b"pixels").unwrap();
        make(u8::try_from(at).unwrap(), u8::try_from(at + 6).unwrap())
    }

    #[test]
    fn what_is_told_is_blanked_and_the_picture_stays_where_it_is() {
        for (kind, method, gone, kept) in
            [(b"Exif", 0, "without", "within"), (b"mime", 1, "within", "without")]
        {
            let before = picture(kind, method);
            let (width, height, after) = avif(&before).unwrap();
            let text = String::from_utf8_lossy(&after).into_owned();
            assert_eq!((width, height, after.len()), (30, 20, before.len()));
            assert!(text.contains("pixels") && text.contains(kept) && !text.contains(gone));
        }
        let plain = picture(b"av01", 0);
        assert_eq!(avif(&plain).unwrap().2, plain);
    }

    #[test]
    fn what_is_told_and_cannot_be_found_is_refused() {
        assert!(avif(&picture(b"Exif", 2)).is_none());
        let whole = picture(b"Exif", 0);
        for cut in 0..whole.len() {
            let mut broken = whole.clone();
            broken.truncate(cut);
            let told = avif(&broken).is_some_and(|(.., kept)| kept.ends_with(b"13.4 N"));
            assert!(!told, "cut at {cut}");
            let mut odd = whole.clone();
            odd[cut] ^= 0xff;
            let _ = avif(&odd);
        }
        assert!(avif(b"").is_none() && avif(b"\0\0\0\x08ftyp").is_none());
    }
}
