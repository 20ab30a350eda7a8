// Beginning: when the page is first seen. And the draft: nothing is lost on reload.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const DRAFT = 'kohaku_prompt_draft';
    const SAVE_AFTER = 300;
    const LOOK_AGAIN_AFTER = 15000;
    let timer = 0;
    let looked = 0;

    function sections() {
        return [...document.querySelectorAll('#kohaku_prompt details[id]')];
    }

    function write() {
        const draft = Object.assign(prompt.values(), {
            profile: prompt.chosenProfile,
            unwanted: [...prompt.unwanted],
            open: sections().filter((section) => section.open).map((section) => section.id)
        });
        try {
            window.localStorage.setItem(DRAFT, JSON.stringify(draft));
        } catch (error) {
            // No storage, or it is full: the page works without.
        }
    }

    function restore() {
        let draft = null;
        try {
            draft = JSON.parse(window.localStorage.getItem(DRAFT));
        } catch (error) {
            // Somebody else's, or damaged: as good as none.
        }
        if (!draft || typeof draft !== 'object') return;
        for (const name of prompt.fields.boxes.concat(prompt.fields.names)) {
            if (typeof draft[name] === 'string') prompt.element(name).value = draft[name];
        }
        for (const name of prompt.fields.numbers) {
            if (Number.isFinite(draft[name])) prompt.element(name).value = String(draft[name]);
        }
        if (typeof draft.profile === 'string') prompt.chosenProfile = draft.profile;
        if (Array.isArray(draft.unwanted)) prompt.unwanted = new Set(draft.unwanted);
        for (const section of sections()) section.open = Array.isArray(draft.open) && draft.open.includes(section.id);
    }

    prompt.draft = {
        save: function() {
            clearTimeout(timer);
            timer = setTimeout(write, SAVE_AFTER);
        }
    };

    prompt.pieces.push({
        start: function(page) {
            page.addEventListener('toggle', prompt.draft.save, true);
            window.addEventListener('pagehide', write);
        },
        changed: prompt.draft.save
    });

    // The loaded model may have changed while another tab was shown.
    function seen() {
        if (Date.now() - looked < LOOK_AGAIN_AFTER) return;
        looked = Date.now();
        prompt.open();
    }

    function start() {
        const page = document.getElementById('kohaku_prompt');
        if (!page || page.dataset.kohakuStarted) return;
        page.dataset.kohakuStarted = '1';
        restore();
        prompt.started(page);
        new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && seen()).observe(page);
    }

    function startWhenBuilt() {
        if (document.getElementById('kohaku_prompt')) return start();
        const observer = new MutationObserver(function() {
            if (!document.getElementById('kohaku_prompt')) return;
            observer.disconnect();
            start();
        });
        return observer.observe(document.documentElement, {childList: true, subtree: true});
    }

    if (typeof window.onUiLoaded === 'function') window.onUiLoaded(startWhenBuilt);
    else document.addEventListener('DOMContentLoaded', startWhenBuilt);
})();
