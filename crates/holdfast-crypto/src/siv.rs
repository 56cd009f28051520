//! AES-256-SIV (RFC 5297) with one string of associated data and prepared keys.
//!
//! Everything that depends only on the key (round keys, CMAC subkeys, the first step of S2V) is computed once, and sealing
//! takes `&self`: one prepared cipher serves every request.

use aes::Aes256Enc;
use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a synthetic IV, and of an AES block.
pub(crate) const IV_LEN: usize = 16;
/// Bytes of a key: one half for S2V, one for CTR.
pub(crate) const KEY_LEN: usize = 64;

type Block = [u8; IV_LEN];

/// The prepared cipher. Its block cipher is open so that the RFCs' vectors, which are for AES-128, can be tried.
pub(crate) struct Siv<C = Aes256Enc> {
    mac: C,
    ctr: C,
    /// CMAC's subkeys for a whole and for a partial last block.
    whole: Block,
    partial: Block,
    /// dbl(CMAC(zero block)): where S2V stands before the associated data.
    start: Block,
}

const fn wiped_on_drop<T: ZeroizeOnDrop>() {}
const _: () = wiped_on_drop::<Aes256Enc>();

impl<C> Drop for Siv<C> {
    fn drop(&mut self) {
        // The round keys wipe themselves.
        self.whole.zeroize();
        self.partial.zeroize();
        self.start.zeroize();
    }
}

impl Siv {
    /// Prepares AES-256-SIV.
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self::prepare(key)
    }
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Siv<C> {
    /// `key` is twice as long as the block cipher's.
    fn prepare(key: &[u8]) -> Self {
        let (mac_key, ctr_key) = key.split_at(key.len() / 2);
        let prepare = |half| C::new_from_slice(half).expect("half of the key is a block cipher's");
        let mac = prepare(mac_key);
        let whole = double(encrypt(&mac, [0; IV_LEN]));
        let mut siv = Self {
            mac,
            ctr: prepare(ctr_key),
            whole,
            partial: double(whole),
            start: [0; IV_LEN],
        };
        siv.start = double(siv.cmac(&[0; IV_LEN]));
        siv
    }

    /// Encrypts in place and returns the synthetic IV.
    pub(crate) fn seal(&self, associated: &[u8], buffer: &mut [u8]) -> Block {
        let iv = self.s2v(associated, buffer);
        self.apply_keystream(iv, buffer);
        iv
    }

    /// Decrypts in place; false, with the buffer wiped, when it is not authentic.
    #[must_use]
    pub(crate) fn open(&self, associated: &[u8], iv: &Block, buffer: &mut [u8]) -> bool {
        self.apply_keystream(*iv, buffer);
        let authentic = bool::from(self.s2v(associated, buffer).ct_eq(iv));
        if !authentic {
            buffer.zeroize();
        }
        authentic
    }

    /// RFC 5297, 2.4, for one string of associated data and the plaintext.
    fn s2v(&self, associated: &[u8], plaintext: &[u8]) -> Block {
        let state = xor(self.start, self.cmac(associated));
        match plaintext.split_last_chunk::<IV_LEN>() {
            Some((head, tail)) => self.cmac_of_two(head, &xor(*tail, state)),
            None => self.cmac(&xor(pad(plaintext), double(state))),
        }
    }

    fn cmac(&self, message: &[u8]) -> Block {
        self.cmac_of_two(message, &[])
    }

    /// CMAC (RFC 4493) of two parts, one after the other.
    fn cmac_of_two(&self, head: &[u8], tail: &[u8]) -> Block {
        let mut state = [0; IV_LEN];
        let mut block = Zeroizing::new([0; IV_LEN]);
        let mut filled = 0;
        for mut part in [head, tail] {
            while !part.is_empty() {
                // A full block is mixed in only when more follows: the last one is treated apart.
                if filled == IV_LEN {
                    state = encrypt(&self.mac, xor(state, *block));
                    filled = 0;
                }
                let (taken, rest) = part.split_at(part.len().min(IV_LEN - filled));
                block[filled..filled + taken.len()].copy_from_slice(taken);
                filled += taken.len();
                part = rest;
            }
        }
        let last = if filled == IV_LEN {
            xor(*block, self.whole)
        } else {
            xor(pad(&block[..filled]), self.partial)
        };
        encrypt(&self.mac, xor(state, last))
    }

    fn apply_keystream(&self, mut iv: Block, buffer: &mut [u8]) {
        // RFC 5297, 2.5: two bits are cleared so that counters of 32 and 64 bits would never carry.
        iv[8] &= 0x7f;
        iv[12] &= 0x7f;
        let mut counter = u128::from_be_bytes(iv);
        for chunk in buffer.chunks_mut(IV_LEN) {
            let keystream = Zeroizing::new(encrypt(&self.ctr, counter.to_be_bytes()));
            for (byte, key) in chunk.iter_mut().zip(keystream.iter()) {
                *byte ^= key;
            }
            counter = counter.wrapping_add(1);
        }
    }
}

fn encrypt<C>(cipher: &C, block: Block) -> Block
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut block = Array::<u8, U16>::from(block);
    cipher.encrypt_block(&mut block);
    block.into()
}

fn xor(a: Block, b: Block) -> Block {
    (u128::from_ne_bytes(a) ^ u128::from_ne_bytes(b)).to_ne_bytes()
}

/// Multiplication by x in GF(2¹²⁸), without a branch on the carry.
fn double(block: Block) -> Block {
    let value = u128::from_be_bytes(block);
    let carry = (value >> 127).wrapping_neg() & 0x87;
    ((value << 1) ^ carry).to_be_bytes()
}

/// Fewer than 16 bytes, then a 1 bit and zeros.
fn pad(bytes: &[u8]) -> Block {
    let mut block = [0; IV_LEN];
    block[..bytes.len()].copy_from_slice(bytes);
    block[bytes.len()] = 0x80;
    block
}

#[cfg(test)]
mod tests;
