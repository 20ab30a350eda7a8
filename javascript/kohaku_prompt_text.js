// Text boxes: changing them so that the browser's own undo knows of it, and offsets.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const COPIED = ['fontFamily', 'fontSize', 'fontWeight', 'lineHeight', 'letterSpacing', 'paddingTop', 'paddingLeft',
        'paddingRight', 'borderTopWidth', 'borderLeftWidth', 'borderRightWidth', 'boxSizing', 'tabSize'];

    // What is put in looks like typing to the page; who cares about typing asks.
    let writing = false;

    // The server counts characters as people do, JavaScript counts many of them double.
    function units(text, points) {
        if (!/[\ud800-\udbff]/.test(text)) return points;
        let offset = 0;
        for (const character of text) {
            if (points-- <= 0) break;
            offset += character.length;
        }
        return offset;
    }

    function points(text, offset) {
        return Array.from(text.slice(0, offset)).length;
    }

    function insert(box, start, end, text) {
        box.focus({preventScroll: true});
        box.setSelectionRange(start, end);
        // The only way that the browser's own undo knows of.
        writing = true;
        const command = text ? 'insertText' : 'delete';
        if ((start !== end || text) && !document.execCommand(command, false, text)) {
            box.setRangeText(text, start, end, 'end');
            box.dispatchEvent(new Event('input', {bubbles: true}));
        }
        writing = false;
    }

    // Put a whole text in, touching no more than what differs.
    function put(box, text) {
        const old = box.value;
        if (old === text) return;
        let start = 0;
        while (start < old.length && start < text.length && old[start] === text[start]) start++;
        let same = 0;
        while (same < old.length - start && same < text.length - start && old.at(-1 - same) === text.at(-1 - same)) same++;
        const focused = document.activeElement;
        insert(box, start, old.length - same, text.slice(start, text.length - same));
        if (focused && focused !== box && focused.focus) focused.focus({preventScroll: true});
    }

    // Where a character of a box is on the screen, by laying its text out again.
    function place(box, offset) {
        const mirror = document.createElement('div');
        const style = getComputedStyle(box);
        for (const name of COPIED) mirror.style[name] = style[name];
        Object.assign(mirror.style, {position: 'fixed', visibility: 'hidden', whiteSpace: 'pre-wrap',
            overflowWrap: 'break-word', top: '0', left: '0', width: box.clientWidth + 'px'});
        mirror.textContent = box.value.slice(0, offset);
        const mark = document.createElement('span');
        mark.textContent = '\u200b';
        mirror.append(mark);
        document.body.append(mirror);
        const rect = box.getBoundingClientRect();
        const found = {
            left: rect.left + mark.offsetLeft - box.scrollLeft,
            top: rect.top + mark.offsetTop - box.scrollTop,
            bottom: rect.top + mark.offsetTop + mark.offsetHeight - box.scrollTop
        };
        mirror.remove();
        return found;
    }

    prompt.text = {units: units, points: points, insert: insert, put: put, place: place, isWriting: () => writing};
})();
