// Reads SQL statements, a JSON string a line, and tells which of them CockroachDB would not take: by its own grammar,
// and by a short list of what its grammar takes but the database has not got. Exit code 1 where there are such.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
)

// The longest statement of ours has some 3 KB.
const statementBytesMax = 1 << 20

// Parses there, and then is refused, or does nothing.
var absent = map[string]*regexp.Regexp{
	"advisory locks lock nothing there":        regexp.MustCompile(`\bpg_(try_)?advisory_`),
	"there is no LISTEN or NOTIFY":             regexp.MustCompile(`\b(unlisten|pg_notify)\b`),
	"there is no XML":                          regexp.MustCompile(`\bxml(parse|element|agg|_is_well_formed)?\b`),
	"there is no range type":                   regexp.MustCompile(`\b(int4|int8|num|ts|tstz|date)(multi)?range\b`),
	"there are no arrays of JSON":              regexp.MustCompile(`\bjsonb?\[\]`),
	"there is no ctid or xmin":                 regexp.MustCompile(`\b(ctid|xmin)\b`),
	"to_timestamp takes no format there":       regexp.MustCompile(`\bto_timestamp\([^()]*,`),
	"there is no exclusion constraint":         regexp.MustCompile(`\bexclude using\b`),
	"tables are not inherited there":           regexp.MustCompile(`\binherits\s*\(`),
	"rows are not locked by a weaker strength": regexp.MustCompile(`\bfor (no key update|key share)\b`),
}

// What stands between quotes is no word of the language.
var quoted = regexp.MustCompile(`'[^']*'`)

func faults(sql string) []string {
	var found []string
	if _, err := parser.Parse(sql); err != nil {
		found = append(found, err.Error())
	}
	text := strings.ToLower(quoted.ReplaceAllString(sql, "''"))
	for why, pattern := range absent {
		if pattern.MatchString(text) {
			found = append(found, why)
		}
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, statementBytesMax)
	read, refused := 0, 0
	for lines.Scan() {
		var sql string
		if err := json.Unmarshal(lines.Bytes(), &sql); err != nil {
			fmt.Fprintln(os.Stderr, "not a JSON string:", err)
			os.Exit(2)
		}
		read++
		for _, fault := range faults(sql) {
			refused++
			fmt.Printf("%s\n    %s\n", fault, strings.Join(strings.Fields(sql), " "))
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("%d statements, %d faults\n", read, refused)
	if refused > 0 {
		os.Exit(1)
	}
}
