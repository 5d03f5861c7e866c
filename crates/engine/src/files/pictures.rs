//! Pictures as they are shown: where they were taken, and by what, is removed; one so large that a
//! visitor's device would choke on it is refused (P12). What is sold or given away stays as it is.
//!
//! Only the containers are read, never the picture itself: no decoder, nothing a crafted picture
//! could make large.

mod avif;

use model::Refused;

/// Pixels on the longer side.
const SIDE_MAX: u32 = 8_000;
/// Pixels in all: four bytes each in the memory of a phone.
const PIXELS_MAX: u64 = 40_000_000;

/// The picture without what it tells of its maker; other files as they are.
///
/// # Errors
/// It is larger than a page can show, or no picture of the kind it is called.
pub(crate) fn clean(content_type: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
    Ok(read(content_type, &bytes)?.unwrap_or(bytes))
}

/// Whether a page can show it.
///
/// # Errors
/// As [`clean`].
pub(crate) fn check(content_type: &str, bytes: &[u8]) -> Result<(), Refused> {
    read(content_type, bytes).map(drop)
}

fn read(content_type: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
    let found = match content_type {
        "image/png" => png(bytes),
        "image/jpeg" => jpeg(bytes),
        "image/webp" => webp(bytes),
        "image/gif" => gif(bytes),
        "image/avif" => avif::avif(bytes),
        _ => return Ok(None),
    };
    let Some((width, height, cleaned)) = found else {
        let kind = content_type.trim_start_matches("image/");
        let message = format!("this is no {kind} picture: save it again as one");
        return Err(Refused::new("picture_broken", message).at("file"));
    };
    if width.max(height) > SIDE_MAX || u64::from(width) * u64::from(height) > PIXELS_MAX {
        let message = format!(
            "this picture has {width} × {height} pixels: make it at most {SIDE_MAX} on its longer \
             side, and 40 million in all"
        );
        return Err(Refused::new("picture_too_large", message).at("file"));
    }
    Ok(Some(cleaned))
}

type Found = Option<(u32, u32, Vec<u8>)>;

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u32::from(u16::from_be_bytes(two.try_into().ok()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u32::from(u16::from_le_bytes(two.try_into().ok()?)))
}

fn size(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}

/// PNG: chunks of text, time and Exif go (W3C PNG §11.3).
fn png(bytes: &[u8]) -> Found {
    const TOLD: [&[u8]; 5] = [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"];
    let mut out = bytes.get(..8).filter(|head| *head == b"\x89PNG\r\n\x1a\n")?.to_vec();
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let (width, height) = (be32(bytes, 16)?, be32(bytes, 20)?);
    let mut at = 8;
    while let Some(kind) = bytes.get(at + 4..at + 8) {
        let end = at.checked_add(12)?.checked_add(size(be32(bytes, at)?)?)?;
        // What was cut off stays cut off: a browser shows as much as there is.
        let chunk = bytes.get(at..end.min(bytes.len()))?;
        if !TOLD.contains(&kind) {
            out.extend_from_slice(chunk);
        }
        if kind == b"IEND" || end >= bytes.len() {
            break;
        }
        at = end;
    }
    Some((width, height, out))
}

/// JPEG: of what programs add to it the colours stay and which way up it is; the rest goes, and so
/// does all that phones append behind its end: more pictures, films (ITU-T T.81 §B, CIPA DC-007).
fn jpeg(bytes: &[u8]) -> Found {
    let mut out = bytes.get(..2).filter(|head| *head == b"\xff\xd8")?.to_vec();
    let (mut at, mut found, mut begun) = (2_usize, None, false);
    while let Some([mark, kind]) = bytes.get(at..at.checked_add(2)?) {
        if *mark != 0xff {
            return None;
        }
        match *kind {
            // A byte that fills.
            0xff => {
                at += 1;
                continue;
            }
            // Marks that stand alone.
            0x01 | 0xd0..=0xd7 => {
                out.extend_from_slice(&[0xff, *kind]);
                at += 2;
                continue;
            }
            0xd9 => {
                out.extend_from_slice(b"\xff\xd9");
                break;
            }
            _ => {}
        }
        let end = (at + 2).checked_add(size(be16(bytes, at + 2)?)?)?;
        // What was cut off stays cut off: a browser shows as much as there is.
        let Some(segment) = bytes.get(at..end) else { break };
        let data = segment.get(4..)?;
        match *kind {
            0xe1 => {
                if let Some(way) = orientation(data).filter(|way| *way > 1) {
                    out.extend_from_slice(&exif_of(way));
                }
            }
            0xe0 if data.starts_with(b"JFIF\0") => out.extend_from_slice(segment),
            0xe2 if data.starts_with(b"ICC_PROFILE\0") => out.extend_from_slice(segment),
            0xee if data.starts_with(b"Adobe") => out.extend_from_slice(segment),
            0xe0..=0xef | 0xfe => {}
            _ => out.extend_from_slice(segment),
        }
        if matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc) {
            found = found.or(Some((be16(bytes, at + 7)?, be16(bytes, at + 5)?)));
        }
        at = end;
        if *kind == 0xda {
            at = scanned(bytes, end);
            out.extend_from_slice(bytes.get(end..at)?);
            begun = true;
        }
    }
    let (width, height) = found.filter(|_| begun)?;
    Some((width, height, out))
}

/// Where the pixels of a scan end that begin at `from`: at the next mark that is no part of them.
fn scanned(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(next) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xff)) {
        at += next;
        match bytes.get(at + 1) {
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            Some(_) => return at,
            None => break,
        }
    }
    bytes.len()
}

/// Which way up an Exif segment says that the picture is: 1 to 8.
fn orientation(exif: &[u8]) -> Option<u8> {
    let tiff = exif.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let two = |at| if little { le16(tiff, at) } else { be16(tiff, at) };
    let four = |at| if little { le32(tiff, at) } else { be32(tiff, at) };
    let table = size(four(4)?)?;
    for entry in 0..size(two(table)?)?.min(64) {
        let at = table.checked_add(2)?.checked_add(entry * 12)?;
        if two(at)? == 0x0112 {
            return u8::try_from(two(at + 8)?).ok().filter(|way| (1..=8).contains(way));
        }
    }
    None
}

/// An Exif segment that says which way up a picture is, and nothing else.
fn exif_of(way: u8) -> Vec<u8> {
    let mut segment =
        b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    segment.extend_from_slice(&[way, 0, 0, 0, 0, 0, 0]);
    segment
}

/// WebP: Exif and XMP go, and the flags that announce them (RFC 9649 §2).
fn webp(bytes: &[u8]) -> Found {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WEBP" {
        return None;
    }
    let mut out = bytes.get(..12)?.to_vec();
    let (mut at, mut found) = (12, None);
    while let Some(kind) = bytes.get(at..at + 4) {
        let length = size(le32(bytes, at + 4)?)?;
        let end = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
        let chunk = bytes.get(at..end.min(bytes.len()))?;
        let three = |from: usize| Some(le32(chunk, from)? & 0x00ff_ffff);
        let mut kept = chunk.to_vec();
        match kind {
            b"VP8X" => {
                found = found.or(Some((three(12)? + 1, (le32(chunk, 14)? >> 8) + 1)));
                if let Some(flags) = kept.get_mut(8) {
                    *flags &= !0b0000_1100;
                }
            }
            b"VP8 " => {
                let side = |from| Some(le16(chunk, from)? & 0x3fff);
                found = found.or(Some((side(14)?, side(16)?)));
            }
            b"VP8L" => {
                let bits = le32(chunk, 9)?;
                found = found.or(Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)));
            }
            b"EXIF" | b"XMP " => kept.clear(),
            _ => {}
        }
        out.extend_from_slice(&kept);
        at = end;
    }
    let length = u32::try_from(out.len().checked_sub(8)?).ok()?;
    out.get_mut(4..8)?.copy_from_slice(&length.to_le_bytes());
    let (width, height) = found?;
    Some((width, height, out))
}

/// GIF tells nothing of its maker.
fn gif(bytes: &[u8]) -> Found {
    bytes.get(..6).filter(|head| *head == b"GIF87a" || *head == b"GIF89a")?;
    Some((le16(bytes, 6)?, le16(bytes, 8)?, bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let chunk = |kind: &[u8], data: &[u8]| {
            let mut out = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
            out.extend_from_slice(kind);
            out.extend_from_slice(data);
            out.extend_from_slice(b"crc!");
            out
        };
        let mut header = width.to_be_bytes().to_vec();
        header.extend_from_slice(&height.to_be_bytes());
        header.extend_from_slice(&[8, 2, 0, 0, 0]);
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        out.extend(chunk(b"IHDR", &header));
        out.extend(chunk(b"eXIf", b"52.5 N 13.4 E"));
        out.extend(chunk(b"IDAT", b"pixels"));
        out.extend(chunk(b"tEXt", b"Author\0Ada"));
        out.extend(chunk(b"IEND", b""));
        out
    }

    fn jpeg_of(little: bool, way: u8) -> Vec<u8> {
        let mut tiff =
            if little { b"II*\0\x08\0\0\0".to_vec() } else { b"MM\0*\0\0\0\x08".to_vec() };
        if little {
            tiff.extend_from_slice(&[1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, way, 0, 0, 0, 0, 0, 0, 0]);
        } else {
            tiff.extend_from_slice(&[0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, way, 0, 0, 0, 0, 0, 0]);
        }
        tiff.extend_from_slice(b"52.5 N 13.4 E");
        let segment = |kind: u8, data: &[u8]| {
            let mut out = vec![0xff, kind];
            out.extend_from_slice(&u16::try_from(data.len() + 2).unwrap().to_be_bytes());
            out.extend_from_slice(data);
            out
        };
        let mut out = b"\xff\xd8".to_vec();
        out.extend(segment(0xe0, b"JFIF\0"));
        out.extend(segment(0xe1, &[b"Exif\0\0".as_slice(), &tiff].concat()));
        out.extend(segment(0xfe, b"taken by Ada"));
        out.extend(segment(0xc0, &[8, 0, 20, 0, 30, 3]));
        out.extend(segment(0xe2, b"ICC_PROFILE\0colours"));
        out.extend(segment(0xe2, b"MPF\0where more is"));
        out.extend(segment(0xeb, b"JP 52.5 N"));
        out.extend(segment(0xda, b"x"));
        out.extend_from_slice(b"pix\xff\0\xff\xd0els");
        // A picture in passes goes on behind its first.
        out.extend(segment(0xfe, b"between 13.4 E"));
        out.extend(segment(0xc4, b"table"));
        out.extend(segment(0xda, b"x"));
        out.extend_from_slice(b"finer\xff\xff\xd9");
        // What phones append: one more picture, a film.
        out.extend_from_slice(b"\xff\xd8\xff\xe1\0\x12Exif\0\x0013.4 E\xff\xd9ftypmp42 52.5 N");
        out
    }

    #[test]
    fn p12_a_picture_that_no_device_could_show_is_refused() {
        for (width, height) in [(10_000, 10_000), (8_001, 1), (1, 20_000), (7_000, 7_000)] {
            let refused = clean("image/png", png_of(width, height)).unwrap_err();
            assert_eq!(refused.code, "picture_too_large", "{width} {height}");
            assert!(refused.message.contains(&format!("{width} × {height}")), "{refused}");
        }
        assert!(clean("image/png", png_of(6_000, 4_000)).is_ok());
        let mut gif = b"GIF89a".to_vec();
        gif.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0]);
        assert_eq!(clean("image/gif", gif).unwrap_err().code, "picture_too_large");
        let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
        webp.extend_from_slice(&[0xff, 0xff, 0xff, 0, 0, 0]);
        assert_eq!(clean("image/webp", webp).unwrap_err().code, "picture_too_large");
    }

    #[test]
    fn where_a_picture_was_taken_is_not_kept_and_which_way_up_is() {
        let cleaned = clean("image/png", png_of(4, 4)).unwrap();
        let text = String::from_utf8_lossy(&cleaned).into_owned();
        assert!(text.contains("IDATpixels") && text.contains("IEND"), "{text}");
        assert!(!text.contains("13.4 E") && !text.contains("Ada"), "{text}");
        for (little, way) in [(true, 6), (false, 6), (true, 1)] {
            let cleaned = clean("image/jpeg", jpeg_of(little, way)).unwrap();
            let text = String::from_utf8_lossy(&cleaned).into_owned();
            for kept in ["els", "JFIF", "colours", "table", "finer"] {
                assert!(text.contains(kept), "{kept}: {text}");
            }
            for gone in ["13.4 E", "52.5 N", "Ada", "MPF", "ftyp"] {
                assert!(!text.contains(gone), "{gone}: {text}");
            }
            assert!(cleaned.ends_with(b"finer\xff\xff\xd9"), "{text}");
            assert_eq!(text.contains("Exif"), way > 1, "{text}");
            if way > 1 {
                let at = cleaned.windows(4).position(|four| four == b"Exif").unwrap();
                assert_eq!(orientation(&cleaned[at..]), Some(way));
            }
        }
        let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x0c\0\0\0".to_vec();
        webp.extend_from_slice(&[9, 0, 0, 4, 0, 0]);
        webp.extend_from_slice(b"EXIF\x04\0\0\x0013.4");
        let cleaned = clean("image/webp", webp).unwrap();
        assert!(!String::from_utf8_lossy(&cleaned).contains("13.4"));
        assert_eq!((cleaned[20], cleaned[4]), (0, 22), "no flag is left, the length is right");
    }

    #[test]
    fn what_is_no_picture_is_not_taken_for_one() {
        for kind in ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"] {
            for bytes in
                [&b""[..], b"<script>", b"\x89PNG\r\n", b"\xff\xd8\xff", b"RIFF", b"GIF89a"]
            {
                assert!(clean(kind, bytes.to_vec()).is_err(), "{kind} {bytes:?}");
            }
        }
        // Nothing a crafted one says makes it more than it is.
        for cut in 0..200 {
            for whole in [png_of(4, 4), jpeg_of(true, 6)] {
                let kind = if whole[0] == 0x89 { "image/png" } else { "image/jpeg" };
                let mut broken = whole.clone();
                broken.truncate(cut);
                let _ = clean(kind, broken);
                let mut odd = whole;
                if let Some(byte) = odd.get_mut(cut) {
                    *byte = 0xff;
                }
                assert!(clean(kind, odd).map_or(0, |kept| kept.len()) < 1_000);
            }
        }
        assert_eq!(clean("application/pdf", b"%PDF".to_vec()).unwrap(), b"%PDF");
        assert!(check("image/png", &png_of(4, 4)).is_ok() && check("image/avif", b"x").is_err());
    }
}
