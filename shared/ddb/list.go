package ddb

import "fmt"

// ListShard returns the partition, of n, in which the item id of a kind is
// listed.
func ListShard(kind, id string, n int) string {
	return fmt.Sprintf("%s#%d", kind, hash(id)%uint32(n))
}
