package verifiers

import (
	"bytes"
	"encoding/binary"
)

// A plain hash of a secret and a text can be gone on with: whoever has it can tell the hash of the same text with
// more behind it, without the secret. What then stands between the two is what SHA-1 and SHA-256 put behind a text
// to fill its last block: the byte 0x80, zeros, and the size of the text. No sender writes that.

// The sizes of a block, and of the text's size at the end of the last one.
const (
	hashBlock = 64
	hashSize  = 8
)

// extended reports whether the text whose hash matched may be another one that somebody went on with.
func (c *Check) extended(body []byte) bool {
	if c.rules.algorithm.kind != digestKind || !c.rules.content.hasSecret {
		return false
	}
	if !c.hasBody {
		body = nil
	}
	pieces, secretEnd := c.aroundSecret(c.matched, body)
	var window [2 * hashBlock]byte // what the end of a text may lie in: the block before the boundary, and the one before that
	read := 0
	for _, piece := range pieces {
		for len(piece) > 0 {
			at := read % hashBlock
			n := copy(window[hashBlock+at:], piece)
			read += n
			piece = piece[n:]
			if at+n < hashBlock {
				break
			}
			if endsText(&window, read, secretEnd) {
				return true
			}
			copy(window[:], window[hashBlock:])
		}
	}
	return false
}

// endsText reports whether a text that begins with the secret ends in a window, which ends at a boundary between
// blocks: whether what follows the text fills the block up.
func endsText(window *[2 * hashBlock]byte, boundary, secretEnd int) bool {
	bits := binary.BigEndian.Uint64(window[len(window)-hashSize:])
	size := bits / 8
	if bits%8 != 0 || size < uint64(secretEnd) || size > uint64(boundary-hashSize-1) || size+hashSize+hashBlock < uint64(boundary) {
		return false
	}
	filling := window[len(window)-(boundary-int(size)) : len(window)-hashSize]
	return filling[0] == 0x80 && len(bytes.Trim(filling[1:], "\x00")) == 0
}
