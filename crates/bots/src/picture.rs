//! The picture that a bot shows: checked when it is given, made a small JPEG before it is stored.

use std::io::Cursor;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{
    DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageFormat, ImageReader, Limits,
    codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use model::{BotId, Code, Failure, Sealed, Secret, WorkspaceId};
use tenants::{Cell, Vault};
use tokio::sync::Semaphore;

/// The contract's bound on `b64_data`, in characters.
pub const LONGEST_BASE64: usize = 1_835_008;
/// Larger pictures are scaled down to fit: the contract advises this size.
const LARGEST: (u32, u32) = (1280, 720);
/// Wider or higher ones are refused: a small file can hold a huge picture.
const MOST_PIXELS_A_SIDE: u32 = 8192;
/// For the decoder: 50 megapixels of RGBA.
const DECODER_BYTES: u64 = 200 << 20;
const JPEG_QUALITY: u8 = 90;

/// Decoding takes memory and a core: two at a time in the whole process.
static DECODING: Semaphore = Semaphore::const_new(2);

/// A picture as it was given. Its kind and size are known; whether it decodes is not.
#[derive(Clone)]
pub struct GivenPicture {
    bytes: Vec<u8>,
    format: ImageFormat,
    size: (u32, u32),
}

/// A JPEG of at most 1280×720 that decodes.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(Vec<u8>);

/// Why something is no picture that a bot can show.
#[derive(Debug, thiserror::Error)]
pub enum NotAPicture {
    /// The contract's bound.
    #[error("It must not be longer than {LONGEST_BASE64} characters.")]
    TooLong,
    /// RFC 4648 §4.
    #[error(
        "It must be base64 of the standard alphabet, with padding, without line breaks or a data: prefix: {0}"
    )]
    Base64(#[source] base64::DecodeError),
    /// By its first bytes.
    #[error("It is no JPEG. PNG and WebP are converted; nothing else is.")]
    Kind,
    /// Of the header.
    #[error("It is {0}×{1} pixels: at most {MOST_PIXELS_A_SIDE} on each side.")]
    TooLarge(u32, u32),
    /// Of the pixels.
    #[error("It cannot be decoded: {0}.")]
    Broken(#[source] image::ImageError),
}

impl std::fmt::Debug for GivenPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GivenPicture({:?}, {:?})", self.format, self.size)
    }
}

impl GivenPicture {
    /// Reads `b64_data`, and no more of the picture than its header.
    pub fn read(base64: &str) -> Result<Self, NotAPicture> {
        if base64.len() > LONGEST_BASE64 {
            return Err(NotAPicture::TooLong);
        }
        let bytes = BASE64_STANDARD.decode(base64).map_err(NotAPicture::Base64)?;
        let format = image::guess_format(&bytes).map_err(|_| NotAPicture::Kind)?;
        if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
            return Err(NotAPicture::Kind);
        }
        let size = ImageReader::with_format(Cursor::new(&bytes), format).into_dimensions();
        let size = size.map_err(NotAPicture::Broken)?;
        if size.0.max(size.1) > MOST_PIXELS_A_SIDE {
            return Err(NotAPicture::TooLarge(size.0, size.1));
        }
        Ok(Self { bytes, format, size })
    }

    /// What it was, if it becomes a JPEG only here: `png`, `webp`.
    pub fn converted_from(&self) -> Option<&'static str> {
        (self.format != ImageFormat::Jpeg).then(|| self.format.extensions_str()[0])
    }

    /// Decodes it, and makes it what a bot shows.
    #[tracing::instrument(name = "prepare_picture", skip_all, fields(bytes = self.bytes.len()))]
    pub async fn prepare(self) -> Result<Picture, NotAPicture> {
        let _turn = DECODING.acquire().await.expect("never closed");
        match tokio::task::spawn_blocking(move || self.convert()).await {
            Ok(converted) => converted.map_err(NotAPicture::Broken),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    fn convert(self) -> Result<Picture, image::ImageError> {
        let mut reader = ImageReader::with_format(Cursor::new(&self.bytes), self.format);
        let mut limits = Limits::default();
        limits.max_alloc = Some(DECODER_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let turned = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        let fits = self.size.0 <= LARGEST.0 && self.size.1 <= LARGEST.1;
        if fits && self.format == ImageFormat::Jpeg {
            // Stored unchanged: encoding it again would lose sharpness. A browser rotates it by its Exif data.
            return Ok(Picture(self.bytes));
        }
        picture.apply_orientation(turned);
        if picture.width() > LARGEST.0 || picture.height() > LARGEST.1 {
            picture = picture.resize(LARGEST.0, LARGEST.1, FilterType::Triangle);
        }
        let mut jpeg = Vec::new();
        let picture = on_black(&picture);
        JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).write_image(
            &picture,
            picture.width(),
            picture.height(),
            image::ExtendedColorType::Rgb8,
        )?;
        Ok(Picture(jpeg))
    }
}

/// JPEG has no transparency.
fn on_black(picture: &DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let with_alpha = picture.to_rgba8();
    image::RgbImage::from_fn(with_alpha.width(), with_alpha.height(), |x, y| {
        let [red, green, blue, alpha] = with_alpha.get_pixel(x, y).0;
        image::Rgb([red, green, blue].map(|part| {
            let part = u16::from(part) * u16::from(alpha) / 255;
            u8::try_from(part).unwrap_or(u8::MAX)
        }))
    })
}

impl Picture {
    /// The JPEG.
    pub fn jpeg(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts it for the bot's row.
    pub fn seal(&self, vault: &Vault, workspace: WorkspaceId, bot: BotId) -> Sealed {
        let text = Secret::new(BASE64_STANDARD.encode(&self.0));
        vault.seal(workspace, Cell::BotPicture(bot), &text)
    }

    /// Reads it back.
    pub fn open(vault: &Vault, workspace: WorkspaceId, bot: BotId, sealed: &Sealed) -> Result<Self, Failure> {
        let text = vault.open(workspace, Cell::BotPicture(bot), sealed)?;
        let jpeg = BASE64_STANDARD.decode(text.expose());
        let unreadable =
            |_| Failure::new(Code::Internal, format!("the picture of bot {bot} is not readable"));
        jpeg.map(Self).map_err(unreadable)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> String {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        BASE64_STANDARD.encode(bytes.into_inner())
    }

    fn red(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(image::RgbImage::from_pixel(width, height, image::Rgb([200, 0, 0])))
    }

    #[tokio::test]
    async fn a_jpeg_that_fits_stays_as_it_is_and_a_larger_one_is_scaled_down() {
        let given = encoded(&red(640, 360), ImageFormat::Jpeg);
        let picture = GivenPicture::read(&given).unwrap();
        assert_eq!(picture.converted_from(), None);
        assert_eq!(BASE64_STANDARD.encode(picture.prepare().await.unwrap().jpeg()), given);
        let large = GivenPicture::read(&encoded(&red(3000, 3000), ImageFormat::Jpeg)).unwrap();
        let jpeg = large.prepare().await.unwrap();
        let shown = image::load_from_memory_with_format(jpeg.jpeg(), ImageFormat::Jpeg).unwrap();
        assert_eq!((shown.width(), shown.height()), (720, 720));
    }

    #[tokio::test]
    async fn png_and_webp_become_jpeg_and_what_is_transparent_becomes_black() {
        let half = image::RgbaImage::from_fn(64, 36, |x, _| {
            image::Rgba([250, 250, 250, if x < 32 { 0 } else { 255 }])
        });
        for (format, word) in [(ImageFormat::Png, "png"), (ImageFormat::WebP, "webp")] {
            let given = GivenPicture::read(&encoded(&half.clone().into(), format)).unwrap();
            assert_eq!(given.converted_from(), Some(word));
            let jpeg = given.prepare().await.unwrap();
            let shown =
                image::load_from_memory_with_format(jpeg.jpeg(), ImageFormat::Jpeg).unwrap().to_rgb8();
            assert!(shown.get_pixel(8, 18).0.iter().all(|part| *part < 20));
            assert!(shown.get_pixel(56, 18).0.iter().all(|part| *part > 230));
        }
    }

    #[tokio::test]
    async fn what_is_no_picture_is_said() {
        let words = |base64: &str| GivenPicture::read(base64).unwrap_err().to_string();
        let jpeg = encoded(&red(16, 9), ImageFormat::Jpeg);
        assert!(words(&format!("data:image/jpeg;base64,{jpeg}")).contains("without"), "a data URI");
        assert!(words(&jpeg.replace('/', "_")).contains("standard alphabet"));
        assert!(words(&BASE64_STANDARD.encode("GIF89a…")).contains("no JPEG"));
        assert!(words("").contains("no JPEG"));
        assert!(words(&"A".repeat(LONGEST_BASE64 + 4)).contains("1835008"));
        // A PNG that says that it is 60000 pixels wide.
        let mut bytes = BASE64_STANDARD.decode(encoded(&red(16, 9), ImageFormat::Png)).unwrap();
        bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        let wide = BASE64_STANDARD.encode(&bytes);
        assert!(matches!(
            GivenPicture::read(&wide),
            Err(NotAPicture::TooLarge(60_000, _) | NotAPicture::Broken(_))
        ));
        let whole = BASE64_STANDARD.decode(encoded(&red(640, 360), ImageFormat::Png)).unwrap();
        let torn = GivenPicture::read(&BASE64_STANDARD.encode(&whole[..whole.len() / 2])).unwrap();
        assert!(matches!(torn.prepare().await, Err(NotAPicture::Broken(_))));
    }
}
