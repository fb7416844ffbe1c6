# Summarises pairs of measurements: CSV in, CSV out.
#
# In:  group,case,pair,measured,reference
# Out: group,case,pairs,median,low,high,first quartile,third quartile
#      of the ratio measured / reference, in the order of their first lines.
#
# Pairs take turns in what comes first, and that may matter more than what is
# measured. So each even pair and the odd one after it give one value, the
# geometric mean of their ratios, in which it cancels out.
#
# low and high bound the median with at least 95 % confidence, whatever the
# distribution: two order statistics, chosen by the binomial distribution. With
# fewer than 6 values there is no such bound, and they are the extremes.
BEGIN { FS = OFS = "," }

NF != 5 || $3 !~ /^[0-9]+$/ || $4 !~ /^[0-9.]+$/ || $5 !~ /^[0-9.]+$/ || $4 <= 0 || $5 <= 0 {
    printf "summary.awk: line %d is not a pair: %s\n", NR, $0 >"/dev/stderr"
    exit bad = 1
}

{
    name = $1 OFS $2
    if (!(name in pairs))
        names[++groups] = name
    pairs[name]++
    if ($3 % 2 == 0)
        even[name] = $4 / $5
    else if (name in even) {
        ratio[name, ++count[name]] = sqrt(even[name] * $4 / $5)
        delete even[name]
    }
}

# The rank of the lower bound.
function lower_rank(n,    k, term, sum) {
    term = -n * log(2)
    for (k = 0; k < n; k++) {
        sum += exp(term)
        if (sum > 0.025)
            break
        term += log(n - k) - log(k + 1)
    }
    return k > 0 ? k : 1
}

function quantile(n, p,    position, below) {
    position = 1 + (n - 1) * p
    below = int(position)
    return below == n ? sorted[n] : sorted[below] + (position - below) * (sorted[below + 1] - sorted[below])
}

function sort(n,    gap, i, j, value) {
    for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
        for (i = gap + 1; i <= n; i++) {
            value = sorted[i]
            for (j = i; j > gap && sorted[j - gap] > value; j -= gap)
                sorted[j] = sorted[j - gap]
            sorted[j] = value
        }
}

END {
    if (!bad && !groups) {
        print "summary.awk: there is nothing to summarise" >"/dev/stderr"
        bad = 1
    }
    if (bad)
        exit 1
    for (g = 1; g <= groups; g++) {
        name = names[g]
        n = count[name]
        if (!n) {
            printf "summary.awk: %s: an even pair and an odd one are missing\n", name >"/dev/stderr"
            exit 1
        }
        for (i = 1; i <= n; i++)
            sorted[i] = ratio[name, i]
        sort(n)
        k = lower_rank(n)
        printf "%s,%d,%.4f,%.4f,%.4f,%.4f,%.4f\n", name, pairs[name], quantile(n, 0.5), sorted[k],
            sorted[n + 1 - k], quantile(n, 0.25), quantile(n, 0.75)
    }
}
