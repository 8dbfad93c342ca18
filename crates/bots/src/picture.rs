//! The picture that a bot shows in its video. It is checked when a request arrives, and converted to a small JPEG before it
//! is stored.

use std::io::Cursor;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{
    DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageFormat, ImageReader, Limits,
    codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use model::{BotId, Code, Failure, Sealed, Secret, WorkspaceId};
use tenants::{Cell, Vault};
use tokio::sync::Semaphore;

/// The limit of Recall's API for `b64_data`, in characters.
pub const MAX_BASE64_LEN: usize = 1_835_008;
/// Width and height in pixels, as Recall's API recommends. Larger pictures are scaled down to fit.
const MAX_SIZE: (u32, u32) = (1280, 720);
/// A picture with more pixels on a side is refused, because a small file can contain a huge picture.
const MAX_PIXELS_A_SIDE: u32 = 8192;
/// The decoder's memory limit: 50 megapixels of RGBA.
const DECODER_BYTES: u64 = 200 << 20;
const JPEG_QUALITY: u8 = 90;

/// Limits the process to two decodings at a time, because each one takes memory and a core.
static DECODING: Semaphore = Semaphore::const_new(2);

/// A picture from a request. Its format and size are known, but the pixels have not been decoded yet.
#[derive(Clone)]
pub struct GivenPicture {
    bytes: Vec<u8>,
    format: ImageFormat,
    size: (u32, u32),
}

/// A valid JPEG of at most 1280×720 pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(Vec<u8>);

/// Why a bot can't show a picture.
#[derive(Debug, thiserror::Error)]
pub enum NotAPicture {
    /// The text exceeds the limit of Recall's API.
    #[error("It must not be longer than {MAX_BASE64_LEN} characters.")]
    TooLong,
    /// It is not base64 as defined in RFC 4648 §4.
    #[error(
        "It must be base64 in the standard alphabet, with padding, without line breaks or a data: prefix: {0}"
    )]
    Base64(#[source] base64::DecodeError),
    /// The first bytes are those of another format.
    #[error("It is not a JPEG. PNG and WebP are converted to JPEG; other formats are not supported.")]
    Kind,
    /// The header names too many pixels: width and height.
    #[error("It has {0}×{1} pixels: at most {MAX_PIXELS_A_SIDE} are allowed on each side.")]
    TooLarge(u32, u32),
    /// The pixels can't be decoded.
    #[error("It cannot be decoded: {0}.")]
    Broken(#[source] image::ImageError),
}

impl std::fmt::Debug for GivenPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GivenPicture({:?}, {:?})", self.format, self.size)
    }
}

impl GivenPicture {
    /// Decodes `b64_data`, and reads only the header of the picture.
    pub fn read(base64: &str) -> Result<Self, NotAPicture> {
        if base64.len() > MAX_BASE64_LEN {
            return Err(NotAPicture::TooLong);
        }
        let bytes = BASE64_STANDARD.decode(base64).map_err(NotAPicture::Base64)?;
        let format = image::guess_format(&bytes).map_err(|_| NotAPicture::Kind)?;
        if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
            return Err(NotAPicture::Kind);
        }
        let size = ImageReader::with_format(Cursor::new(&bytes), format).into_dimensions();
        let size = size.map_err(NotAPicture::Broken)?;
        if size.0.max(size.1) > MAX_PIXELS_A_SIDE {
            return Err(NotAPicture::TooLarge(size.0, size.1));
        }
        Ok(Self { bytes, format, size })
    }

    /// The original format of a picture that is not a JPEG: `png` or `webp`.
    pub fn converted_from(&self) -> Option<&'static str> {
        (self.format != ImageFormat::Jpeg).then(|| self.format.extensions_str()[0])
    }

    /// Decodes the picture and converts it to the JPEG that a bot shows.
    #[tracing::instrument(name = "prepare_picture", skip_all, fields(bytes = self.bytes.len()))]
    pub async fn prepare(self) -> Result<Picture, NotAPicture> {
        let _permit = DECODING.acquire().await.expect("the semaphore is never closed");
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
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        let fits = self.size.0 <= MAX_SIZE.0 && self.size.1 <= MAX_SIZE.1;
        if fits && self.format == ImageFormat::Jpeg {
            // Stored unchanged: encoding it again would lose sharpness. A browser rotates it by its Exif data.
            return Ok(Picture(self.bytes));
        }
        picture.apply_orientation(orientation);
        if picture.width() > MAX_SIZE.0 || picture.height() > MAX_SIZE.1 {
            picture = picture.resize(MAX_SIZE.0, MAX_SIZE.1, FilterType::Triangle);
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

/// Draws the picture on a black background, because JPEG has no transparency.
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
    /// The bytes of the JPEG.
    pub fn jpeg(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts the picture for the bot's row.
    pub fn seal(&self, vault: &Vault, workspace: WorkspaceId, bot: BotId) -> Sealed {
        let text = Secret::new(BASE64_STANDARD.encode(&self.0));
        vault.seal(workspace, Cell::BotPicture(bot), &text)
    }

    /// Decrypts a stored picture.
    pub fn open(vault: &Vault, workspace: WorkspaceId, bot: BotId, sealed: &Sealed) -> Result<Self, Failure> {
        let text = vault.open(workspace, Cell::BotPicture(bot), sealed)?;
        let jpeg = BASE64_STANDARD.decode(text.expose());
        let unreadable =
            |_| Failure::new(Code::Internal, format!("the stored picture of bot {bot} could not be decoded"));
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
    async fn a_small_jpeg_is_unchanged_and_a_large_one_is_scaled_down() {
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
    async fn png_and_webp_become_jpeg_and_transparency_becomes_black() {
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
    async fn an_invalid_picture_is_refused_with_a_reason() {
        let words = |base64: &str| GivenPicture::read(base64).unwrap_err().to_string();
        let jpeg = encoded(&red(16, 9), ImageFormat::Jpeg);
        assert!(words(&format!("data:image/jpeg;base64,{jpeg}")).contains("without"), "a data URI");
        assert!(words(&jpeg.replace('/', "_")).contains("standard alphabet"));
        assert!(words(&BASE64_STANDARD.encode("GIF89a…")).contains("not a JPEG"));
        assert!(words("").contains("not a JPEG"));
        assert!(words(&"A".repeat(MAX_BASE64_LEN + 4)).contains("1835008"));
        // A PNG whose header says that it is 60000 pixels wide.
        let mut bytes = BASE64_STANDARD.decode(encoded(&red(16, 9), ImageFormat::Png)).unwrap();
        bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        let wide = BASE64_STANDARD.encode(&bytes);
        assert!(matches!(
            GivenPicture::read(&wide),
            Err(NotAPicture::TooLarge(60_000, _) | NotAPicture::Broken(_))
        ));
        let whole = BASE64_STANDARD.decode(encoded(&red(640, 360), ImageFormat::Png)).unwrap();
        let truncated = GivenPicture::read(&BASE64_STANDARD.encode(&whole[..whole.len() / 2])).unwrap();
        assert!(matches!(truncated.prepare().await, Err(NotAPicture::Broken(_))));
    }
}
