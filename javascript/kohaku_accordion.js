// The section "Kohaku" in txt2img and img2img: looking again when something changed, and what its parts share.
//
// Every part adds a piece: {start(page), shown(page)}, both optional. A page is {name, root, ...}.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const accordion = kohaku.accordion = kohaku.accordion || {pieces: []};
    const NAMES = ['txt2img', 'img2img'];
    const SHOWN = 7;
    const LOOK_AFTER = 500;
    const SAID_FOR = 6000;
    const pages = {};

    function makePage(name, root) {
        const page = {name: name, root: root, profile: '', profileName: '', seen: false, timer: 0};
        page.element = (part) => document.getElementById('kohaku_' + name + '_' + part);
        page.box = (negative) => document.querySelector('#' + name + (negative ? '_neg_prompt' : '_prompt') + ' textarea');
        page.text = (negative) => (page.box(negative) || {value: ''}).value;
        page.tools = page.element('tools');
        page.asked = (more) => Object.assign({prompt: page.text(false), profile: page.profile}, more);
        // Everything that the parts ask goes through the tab's page, which an administrator can hide.
        page.canAsk = () => document.getElementById('kohaku_prompt_ask') !== null;
        page.say = function(text, kind, ...buttons) {
            clearTimeout(page.saidTimer);
            const notice = text ? prompt.notice(text, kind || 'good') : null;
            if (notice && buttons.length) notice.append(' ', ...buttons);
            page.said.replaceChildren(...(notice ? [notice] : []));
            if (kind !== 'error' && kind !== 'warning' && !buttons.length) page.saidTimer = setTimeout(() => page.say(''), SAID_FOR);
        };
        page.failed = (error) => error.name !== 'AbortError' && page.say(error.message, 'error');
        page.look = () => page.element('look').click();
        page.lookSoon = function(after) {
            clearTimeout(page.timer);
            page.timer = setTimeout(page.look, after === undefined ? LOOK_AFTER : after);
        };
        page.isOpen = () => page.tools.offsetParent !== null;
        page.isOn = () => (document.querySelector('#kohaku_' + name + '_enabled input') || {}).checked === true;
        return page;
    }

    // Events of gradio call these. Behind seven values of ours are two places for the prompts, which are the webui's own
    // fields; then come the values of what the event changes.
    for (const name of NAMES) {
        accordion[name] = {
            seen: function(...values) {
                const page = pages[name];
                return page ? values.slice(0, SHOWN).concat(page.text(false), page.text(true)) : values.slice(0, SHOWN + 2);
            }
        };
    }

    function shown(page) {
        const about = page.element('about').querySelector('.kohaku-accordion-about');
        if (!about) return;
        page.profile = about.dataset.kohakuProfile;
        page.profileName = about.dataset.kohakuName;
        showBadge(page, about.dataset.kohakuAdded);
        for (const piece of accordion.pieces) if (piece.shown) piece.shown(page);
    }

    // What is added is told by the closed section too.
    function showBadge(page, added) {
        const head = page.root.querySelector('.label-wrap');
        if (!head) return;
        let badge = head.querySelector('.kohaku-accordion-badge');
        if (!badge) {
            badge = prompt.make('span', {class: 'kohaku-accordion-badge'});
            head.insertBefore(badge, head.lastElementChild);
        }
        badge.replaceChildren(added ? '+ ' + added : '');
        badge.title = added ? 'Added to your prompt when generating' : '';
        badge.hidden = !added;
    }

    function begin(name) {
        const root = document.getElementById('kohaku_' + name);
        const tools = document.getElementById('kohaku_' + name + '_tools');
        if (!root || !tools || pages[name]) return;
        const page = pages[name] = makePage(name, root);
        page.said = prompt.make('div', {class: 'kohaku-accordion-said', role: 'status', 'aria-live': 'polite'});
        for (const piece of accordion.pieces) if (piece.start) piece.start(page);
        page.tools.append(page.said);
        // Nothing is asked before somebody opens it, or has it on from the start.
        const seen = new IntersectionObserver(function(entries) {
            if (!entries.some((entry) => entry.isIntersecting)) return;
            page.listedFor = null;
            page.lookSoon(0);
        });
        for (const part of [page.element('enabled'), page.tools]) seen.observe(part);
        // The answer is in the page when gradio puts it there.
        new MutationObserver(() => shown(page)).observe(page.element('about'), {childList: true, subtree: true});
        if (page.isOn()) page.lookSoon();
        document.addEventListener('input', function(event) {
            const isPrompt = event.target === page.box(false) || event.target === page.box(true);
            if (isPrompt && (page.isOpen() || page.isOn())) page.lookSoon();
        });
    }

    // Another checkpoint is another format.
    let checkpoint = '';
    function optionsChanged() {
        const now = (window.opts || {}).sd_model_checkpoint;
        if (now === checkpoint) return;
        checkpoint = now;
        for (const page of Object.values(pages)) if (page.isOpen() || page.isOn()) page.lookSoon();
    }

    if (typeof window.onUiLoaded === 'function') window.onUiLoaded(() => NAMES.forEach(begin));
    if (typeof window.onOptionsChanged === 'function') window.onOptionsChanged(optionsChanged);
})();
