// Notes that stay. gradio takes a warning away when the same event fires again, and a list of the webui that jumps back
// because a checkpoint could not be loaded does just that: the reason would be in sight for a fraction of a second.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const MARK = 'Kohaku: ';
    const STAYS_FOR = 60000;
    let timer = 0;

    function close() {
        clearTimeout(timer);
        document.getElementById('kohaku_note')?.remove();
    }

    function show(text) {
        close();
        const note = document.createElement('div');
        note.id = 'kohaku_note';
        note.setAttribute('role', 'alert');
        const words = document.createElement('span');
        words.textContent = text;
        const button = document.createElement('button');
        button.type = 'button';
        button.title = 'Close';
        button.textContent = '×';
        button.addEventListener('click', close);
        note.addEventListener('keydown', (event) => event.key === 'Escape' && close());
        note.append(words, button);
        (document.querySelector('.gradio-container') || document.body).append(note);
        timer = setTimeout(close, STAYS_FOR);
    }

    function look(changes) {
        for (const change of changes) {
            for (const node of change.addedNodes) {
                const toast = node.nodeType === 1 && (node.closest('.toast-body') || node.querySelector('.toast-body'));
                const text = toast && toast.querySelector('.toast-text')?.textContent.trim();
                if (text && text.startsWith(MARK)) show(text);
            }
        }
    }

    kohaku.note = {show: show, close: close};
    new MutationObserver(look).observe(document.documentElement, {childList: true, subtree: true});
})();
