// The frame of window.kohaku: finding fields, buttons inside our HTML, the first look at the page.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const DRAFT = 'kohaku_draft';
    const COPIED = ['fontFamily', 'fontSize', 'fontWeight', 'lineHeight', 'letterSpacing', 'paddingTop', 'paddingLeft',
        'paddingRight', 'borderTopWidth', 'borderLeftWidth', 'borderRightWidth', 'boxSizing', 'tabSize'];
    let actionValue = '';

    kohaku.tab = function() {
        return document.getElementById('tab_kohaku');
    };

    kohaku.element = function(name) {
        return document.getElementById('kohaku_' + name);
    };

    kohaku.field = function(name) {
        return document.querySelector('#kohaku_' + name + ' textarea, #kohaku_' + name + ' input');
    };

    kohaku.read = function(name) {
        const field = kohaku.field(name);
        return field ? field.value : '';
    };

    // Gradio takes a value from a field when the field says that it has changed.
    kohaku.write = function(field, value) {
        if (!field || field.value === String(value)) return;
        field.value = value;
        field.dispatchEvent(new Event('input', {bubbles: true}));
    };

    kohaku.press = function(name) {
        const button = kohaku.element(name);
        if (button) button.click();
    };

    kohaku.parse = function(text, fallback) {
        try {
            return JSON.parse(text);
        } catch (error) {
            return fallback;
        }
    };

    // Where a character of a box is on the screen, by laying its text out again.
    kohaku.caretPlace = function(box, offset) {
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
    };

    let candidatesText = null;
    let candidates = {models: [], methods: [], presets: [], blocks: {}, networks: {}};
    kohaku.candidates = function() {
        const text = kohaku.read('candidates');
        if (text && text !== candidatesText) {
            candidatesText = text;
            candidates = kohaku.parse(text, candidates);
        }
        return candidates;
    };

    // Events of gradio call these; what they return becomes the event's data.
    kohaku.actions = {
        act: function(name, value) {
            actionValue = value;
            kohaku.press('action_' + name);
        },
        take: function() {
            return [actionValue];
        },
        showFormula: function() {
            const box = kohaku.element('formula');
            if (box) box.scrollIntoView({block: 'nearest', behavior: 'smooth'});
            return [];
        },
        // The offer was taken: the lists must not show it any longer.
        showTaken: function() {
            kohaku.press('open');
            return kohaku.actions.showFormula();
        }
    };

    kohaku.draft = {
        save: function(draft) {
            try {
                window.localStorage.setItem(DRAFT, JSON.stringify(draft));
            } catch (error) {
                // No storage, or it is full: the page works without.
            }
        },
        restore: function() {
            let draft = {};
            try {
                draft = kohaku.parse(window.localStorage.getItem(DRAFT), {}) || {};
            } catch (error) {
                return;
            }
            if (kohaku.read('formula')) return;
            for (const name of ['choices', 'origin', 'name', 'formula']) {
                if (typeof draft[name] === 'string' && draft[name]) kohaku.write(kohaku.field(name), draft[name]);
            }
            if (draft.formula) kohaku.actions.act('draft_reopen', JSON.stringify(draft));
        }
    };

    kohaku.page = {
        refreshed: function() {
            setTimeout(function() {
                kohaku.weights.refresh();
                kohaku.plan.soon();
                kohaku.jobs.look();
            }, 0);
            return [];
        }
    };

    function onClick(event) {
        const button = event.target.closest('[data-kohaku-action]');
        if (button) kohaku.actions.act(button.dataset.kohakuAction, button.dataset.kohakuValue);
    }

    // gradio's accordions open by the mouse alone.
    function openByKeyboard(tab) {
        for (const head of tab.querySelectorAll('.label-wrap')) {
            head.tabIndex = 0;
            head.setAttribute('role', 'button');
        }
        tab.addEventListener('keydown', function(event) {
            if (!event.target.matches('.label-wrap') || !['Enter', ' '].includes(event.key)) return;
            event.preventDefault();
            event.target.click();
        });
    }

    // gradio pulls a number beyond its slider back when the field is left, so that something else would be merged than
    // what was typed and shown in the plan. The ends of a slider are what is usual, not what is possible.
    function keepTyped(tab) {
        tab.addEventListener('blur', function(event) {
            const field = event.target;
            const typed = field.type === 'number' && field.value !== '' && field.closest('#kohaku_merge_sources');
            if (typed && (field.valueAsNumber < Number(field.min) || field.valueAsNumber > Number(field.max))) {
                event.stopImmediatePropagation();
            }
        }, true);
    }

    function start() {
        const tab = kohaku.tab();
        if (!tab || tab.dataset.kohakuStarted) return;
        tab.dataset.kohakuStarted = '1';
        tab.addEventListener('click', onClick);
        openByKeyboard(tab);
        keepTyped(tab);
        for (const part of [kohaku.plan, kohaku.formula, kohaku.complete, kohaku.weights, kohaku.recipes]) part.start(tab);
        // Folders are read whenever the tab comes into view, not when the program starts: files, the loaded model and
        // pasted infotexts may be others by then.
        let restored = false;
        new IntersectionObserver(function(entries) {
            if (!entries.some((entry) => entry.isIntersecting)) return;
            if (!restored) kohaku.draft.restore();
            restored = true;
            kohaku.press('open');
        }).observe(tab);
    }

    function startWhenBuilt() {
        if (kohaku.field('formula')) {
            start();
            return;
        }
        const observer = new MutationObserver(function() {
            if (!kohaku.field('formula')) return;
            observer.disconnect();
            start();
        });
        observer.observe(document.documentElement, {childList: true, subtree: true});
    }

    if (typeof window.onUiLoaded === 'function') {
        window.onUiLoaded(startWhenBuilt);
    } else {
        document.addEventListener('DOMContentLoaded', startWhenBuilt);
    }
})();
