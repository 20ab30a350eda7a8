// Text boxes: changing them so that the browser's own undo knows of it, and offsets.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};

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

    // Whether an offset is between the two halves of one character.
    function halves(text, offset) {
        return /[\ud800-\udbff]/.test(text.charAt(offset - 1)) && /[\udc00-\udfff]/.test(text.charAt(offset));
    }

    // Put a whole text in, touching no more than what differs.
    function put(box, text) {
        const old = box.value;
        if (old === text) return;
        let start = 0;
        while (start < old.length && start < text.length && old[start] === text[start]) start++;
        if (halves(old, start) || halves(text, start)) start--;
        let same = 0;
        while (same < old.length - start && same < text.length - start && old.at(-1 - same) === text.at(-1 - same)) same++;
        if (halves(old, old.length - same) || halves(text, text.length - same)) same--;
        const focused = document.activeElement;
        insert(box, start, old.length - same, text.slice(start, text.length - same));
        if (focused && focused !== box && focused.focus) focused.focus({preventScroll: true});
    }

    prompt.text = {units: units, points: points, insert: insert, put: put, isWriting: () => writing};
})();
