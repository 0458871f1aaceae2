package franz

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// withoutProducer is the same batch of nobody, which may be sent again.
func withoutProducer(batch []byte) []byte {
	const crc, attributes, producerID, epoch, sequence = 17, 21, 43, 51, 53
	copied := slices.Clone(batch)
	binary.BigEndian.PutUint64(copied[producerID:], ^uint64(0))
	binary.BigEndian.PutUint16(copied[epoch:], ^uint16(0))
	binary.BigEndian.PutUint32(copied[sequence:], ^uint32(0))
	sum := crc32.Checksum(copied[attributes:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(copied[crc:], sum)
	return copied
}
