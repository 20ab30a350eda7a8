// What writes the formula out of other fields, a moment after the last change: simple mode and block weights. While
// something is on its way the formula is not yet what the page shows, so buttons that take the formula wait for it.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const WAIT = 300;
    const LOST = 15000;
    const WAITING = '#kohaku_merge, #kohaku_load_unsaved, #kohaku_recipe_save, #kohaku_metadata_show';
    // Hidden button to {timer, since: when the oldest change was made that is not in the formula, asked, changed}.
    const writers = {};
    let held = null;

    function writer(name) {
        writers[name] = writers[name] || {timer: 0, since: 0, asked: false, changed: false};
        return writers[name];
    }

    function isLate(writing) {
        return Boolean(writing.since) && Date.now() - writing.since < LOST;
    }

    // While a request is under way gradio drops further ones: the change waits for the answer.
    function ask(name) {
        const writing = writer(name);
        clearTimeout(writing.timer);
        writing.timer = 0;
        writing.changed = true;
        if (writing.asked && isLate(writing)) return;
        writing.asked = true;
        writing.changed = false;
        writing.since = Date.now();
        kohaku.press(name);
    }

    function release() {
        const button = held;
        if (!button || kohaku.formula.isBusy()) return;
        held = null;
        setTimeout(() => button.click(), 0);
    }

    function onClick(event) {
        const button = event.target.closest(WAITING);
        if (!button || !kohaku.formula.isBusy()) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        held = button;
        for (const [name, writing] of Object.entries(writers)) {
            if (writing.timer) ask(name);
        }
    }

    kohaku.formula = {
        start: function(tab) {
            tab.addEventListener('click', onClick, true);
        },
        // Whether something is on its way into the formula.
        isBusy: function() {
            return Object.values(writers).some(isLate);
        },
        // A change was made whose values are still to come.
        expect: function(name) {
            const writing = writer(name);
            if (!isLate(writing)) writing.since = Date.now();
        },
        soon: function(name) {
            const writing = writer(name);
            kohaku.formula.expect(name);
            clearTimeout(writing.timer);
            writing.timer = setTimeout(() => ask(name), WAIT);
        },
        // The answer is in the formula.
        written: function(name) {
            const writing = writer(name);
            writing.asked = false;
            if (writing.changed) {
                ask(name);
            } else if (!writing.timer) {
                writing.since = 0;
            }
            release();
        },
        // Nothing is to be written after all.
        forget: function(name) {
            const writing = writer(name);
            clearTimeout(writing.timer);
            Object.assign(writing, {timer: 0, changed: false, since: writing.asked ? writing.since : 0});
            release();
        }
    };
})();
