package main

import (
	"encoding/base64"
	"strings"
)

// item is a stored item as DynamoDB's protocol writes it.
type item map[string]map[string]any

// size is what an item counts for (DynamoDB developer guide, "DynamoDB item
// sizes and formats"): names and values, without what storage adds.
func (i item) size() int {
	total := 0
	for name, v := range i {
		total += len(name) + valueSize(v)
	}
	return total
}

// Bytes that lists and maps add for themselves, and for each element.
const (
	containerOverhead = 3
	elementOverhead   = 1
)

func valueSize(v map[string]any) int {
	for kind, value := range v {
		switch typed := value.(type) {
		case string:
			return scalarSize(kind, typed)
		case []any:
			return listSize(kind, typed)
		case map[string]any:
			total := containerOverhead
			for name, element := range typed {
				inner, _ := element.(map[string]any)
				total += elementOverhead + len(name) + valueSize(inner)
			}
			return total
		}
	}
	return 1 // true, false, null
}

func scalarSize(kind, text string) int {
	switch kind {
	case "N":
		return len(strings.Trim(text, "-0."))/2 + 2
	case "B":
		return base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(text, "=")))
	}
	return len(text)
}

func listSize(kind string, list []any) int {
	total := containerOverhead
	for _, element := range list {
		switch typed := element.(type) {
		case string: // of a set
			total += scalarSize(kind[:1], typed)
		case map[string]any:
			total += elementOverhead + valueSize(typed)
		}
	}
	return total
}

// Sizes in bytes that one unit covers (same guide, "Read and write operations").
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

func up(size, unit int) int { return max(1, (size+unit-1)/unit) }

// readUnits of a request: an eventually consistent one costs half.
func readUnits(size int, consistent bool) float64 {
	if consistent {
		return float64(up(size, readUnit))
	}
	return float64(up(size, readUnit)) / 2
}

// writeUnits are those of replacing one item by another; nil: there is none.
// A write that was refused counts like one of the item as it is.
func writeUnits(before, after item) float64 {
	return float64(up(max(before.size(), after.size()), writeUnit))
}

// indexes are the key attributes of the tables' indexes, which hold keys only.
var indexes = [][2]string{{"due_shard", "due_at"}, {"list_pk", "list_sk"}}

// indexUnits are those of the indexes when one item replaces another: an entry
// that moves is deleted and put. A transaction's are counted as plain writes;
// the guide does not say otherwise.
func indexUnits(before, after item) (units float64) {
	for _, x := range indexes {
		was, is := entry(before, x), entry(after, x)
		switch {
		case was == is:
		case was == "" || is == "":
			units++
		default:
			units += 2
		}
	}
	return units
}

// entry is what an item has in an index; "": nothing.
func entry(i item, index [2]string) string {
	first, _ := i[index[0]]["S"].(string)
	second, _ := i[index[1]]["S"].(string)
	if first == "" || second == "" {
		return ""
	}
	return first + "\x00" + second
}
