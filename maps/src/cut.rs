//! Which nodes hold a layout together: strongly connected parts, and nodes whose loss would break one apart.
//!
//! A node of a strongly connected graph is a strong articulation point exactly when it dominates another node in the
//! graph or in its reverse, seen from one root (Italiano, Laura, Santaroni, TCS 2012), the root itself tested on its
//! own. Dominators by Semi-NCA (Georgiadis, 2005). Nothing recurses: a layout may be one long lane.

/// A directed graph as rows of successors and predecessors.
pub(crate) struct Ways {
    pub(crate) next: Vec<Vec<u32>>,
    pub(crate) previous: Vec<Vec<u32>>,
}

impl Ways {
    pub(crate) fn new(nodes: usize, edges: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut ways = Self { next: vec![vec![]; nodes], previous: vec![vec![]; nodes] };
        for (from, to) in edges {
            ways.next[from as usize].push(to);
            ways.previous[to as usize].push(from);
        }
        ways
    }

    /// Nodes of the largest strongly connected part among `members`; the one with the lowest node of two alike.
    pub(crate) fn largest_part(&self, members: &[bool]) -> Vec<bool> {
        let parts = parts(self, members);
        let mut sizes = vec![0_usize; members.len()];
        for part in parts.iter().flatten() {
            sizes[*part as usize] += 1;
        }
        let mut best: Option<u32> = None;
        for part in parts.iter().flatten() {
            if best.is_none_or(|best| sizes[*part as usize] > sizes[best as usize]) {
                best = Some(*part);
            }
        }
        parts.iter().map(|part| part.is_some() && *part == best).collect()
    }

    /// Nodes reachable from `root` inside `members`.
    pub(crate) fn reachable(&self, root: u32, members: &[bool]) -> Vec<bool> {
        walk(&self.next, root, members)
    }

    /// Nodes inside `members` from which `root` can be reached.
    pub(crate) fn returning(&self, root: u32, members: &[bool]) -> Vec<bool> {
        walk(&self.previous, root, members)
    }

    /// Whether all `members` reach one another.
    pub(crate) fn is_connected(&self, members: &[bool]) -> bool {
        let Some(root) = members.iter().position(|member| *member) else { return true };
        walk(&self.next, root as u32, members) == members
            && walk(&self.previous, root as u32, members) == members
    }

    /// Of a strongly connected part: the nodes whose removal breaks the rest of it apart.
    pub(crate) fn cut_nodes(&self, part: &[bool]) -> Vec<bool> {
        let mut cut = vec![false; part.len()];
        let Some(root) = part.iter().position(|member| *member) else { return cut };
        for (next, previous) in [(&self.next, &self.previous), (&self.previous, &self.next)] {
            mark_dominators(next, previous, root as u32, part, &mut cut);
        }
        let mut rest = part.to_vec();
        rest[root] = false;
        cut[root] = !self.is_connected(&rest);
        cut
    }
}

fn walk(next: &[Vec<u32>], root: u32, members: &[bool]) -> Vec<bool> {
    let mut seen = vec![false; members.len()];
    seen[root as usize] = true;
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        for &other in &next[node as usize] {
            if members[other as usize] && !std::mem::replace(&mut seen[other as usize], true) {
                stack.push(other);
            }
        }
    }
    seen
}

/// The number of each member's strongly connected part (Kosaraju).
fn parts(ways: &Ways, members: &[bool]) -> Vec<Option<u32>> {
    let nodes = members.len();
    let mut finished = Vec::with_capacity(nodes);
    let mut seen = vec![false; nodes];
    for root in (0..nodes).filter(|node| members[*node]) {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut stack = vec![(root as u32, 0_usize)];
        while let Some((node, child)) = stack.last_mut() {
            let Some(&other) = ways.next[*node as usize].get(*child) else {
                finished.push(*node);
                stack.pop();
                continue;
            };
            *child += 1;
            if members[other as usize] && !std::mem::replace(&mut seen[other as usize], true) {
                stack.push((other, 0));
            }
        }
    }
    let mut part = vec![None; nodes];
    for (number, &root) in finished.iter().rev().enumerate() {
        if part[root as usize].is_some() {
            continue;
        }
        part[root as usize] = Some(number as u32);
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            for &other in &ways.previous[node as usize] {
                if members[other as usize] && part[other as usize].is_none() {
                    part[other as usize] = Some(number as u32);
                    stack.push(other);
                }
            }
        }
    }
    part
}

/// Marks every node but the root that dominates another one, seen from the root.
fn mark_dominators(next: &[Vec<u32>], previous: &[Vec<u32>], root: u32, part: &[bool], cut: &mut [bool]) {
    let (order, parent) = preorder(next, root, part);
    let mut number = vec![u32::MAX; part.len()];
    for (index, &node) in order.iter().enumerate() {
        number[node as usize] = index as u32;
    }
    let mut semi: Vec<u32> = (0..order.len() as u32).collect();
    let mut label = semi.clone();
    let mut ancestor = parent.clone();
    for v in (1..order.len()).rev() {
        for &before in &previous[order[v] as usize] {
            let u = number[before as usize];
            if u == u32::MAX {
                continue;
            }
            let lowest = evaluate(u, v as u32, &mut ancestor, &mut label);
            semi[v] = semi[v].min(lowest);
        }
        label[v] = semi[v];
    }
    let mut dominator = parent;
    for v in 1..order.len() {
        while dominator[v] > semi[v] {
            dominator[v] = dominator[dominator[v] as usize];
        }
        if dominator[v] != 0 {
            cut[order[dominator[v] as usize] as usize] = true;
        }
    }
}

/// The lowest label on the linked path above `u` (links of numbers greater than `last`), with path compression.
fn evaluate(u: u32, last: u32, ancestor: &mut [u32], label: &mut [u32]) -> u32 {
    let mut path = vec![];
    let mut node = u;
    while node > last && ancestor[node as usize] > last {
        path.push(node);
        node = ancestor[node as usize];
    }
    for &below in path.iter().rev() {
        let above = ancestor[below as usize] as usize;
        label[below as usize] = label[below as usize].min(label[above]);
        ancestor[below as usize] = ancestor[above];
    }
    label[u as usize]
}

/// Nodes in depth-first order, and each one's parent by number.
fn preorder(next: &[Vec<u32>], root: u32, part: &[bool]) -> (Vec<u32>, Vec<u32>) {
    let (mut order, mut parent) = (vec![], vec![]);
    let mut seen = vec![false; part.len()];
    let mut stack = vec![(root, 0, 0_usize)];
    seen[root as usize] = true;
    order.push(root);
    parent.push(0);
    while let Some((node, number, child)) = stack.last_mut() {
        let (number, found) = (*number, next[*node as usize].get(*child).copied());
        *child += 1;
        let Some(other) = found else {
            stack.pop();
            continue;
        };
        if part[other as usize] && !std::mem::replace(&mut seen[other as usize], true) {
            stack.push((other, order.len() as u32, 0));
            order.push(other);
            parent.push(number);
        }
    }
    (order, parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Removing each node in turn and walking is the definition.
    fn cut_by_definition(ways: &Ways, part: &[bool]) -> Vec<bool> {
        let mut cut = vec![false; part.len()];
        for node in (0..part.len()).filter(|node| part[*node]) {
            let mut rest = part.to_vec();
            rest[node] = false;
            cut[node] = !ways.is_connected(&rest);
        }
        cut
    }

    #[test]
    fn cut_nodes_are_those_whose_removal_disconnects_the_rest() {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut cuts = 0;
        for _ in 0..300 {
            let nodes = 3 + draw(12) as usize;
            let edges: Vec<(u32, u32)> =
                (0..nodes * 2).map(|_| (draw(nodes as u64) as u32, draw(nodes as u64) as u32)).collect();
            let ways = Ways::new(nodes, edges.into_iter());
            let part = ways.largest_part(&vec![true; nodes]);
            assert!(ways.is_connected(&part));
            let expected = cut_by_definition(&ways, &part);
            assert_eq!(ways.cut_nodes(&part), expected);
            cuts += expected.iter().filter(|cut| **cut).count();
        }
        assert!(cuts > 100, "the graphs drawn must have cut nodes, else this shows nothing");
    }

    #[test]
    fn a_lane_of_a_hundred_thousand_nodes_is_walked_without_recursion() {
        let nodes = 100_000_u32;
        let ways = Ways::new(nodes as usize, (1..nodes).flat_map(|n| [(n - 1, n), (n, n - 1)]));
        let part = ways.largest_part(&vec![true; nodes as usize]);
        let cut = ways.cut_nodes(&part);
        assert_eq!(cut.iter().filter(|cut| **cut).count(), nodes as usize - 2);
    }
}
